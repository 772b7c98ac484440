"""Open a source by its URI. A source in BigQuery or in a bucket is fetched once to a local folder.

``prepare`` reads a source several times in the same order. A remote table has no fixed order, and each read of it has
a cost. The folder is below ``TMPDIR`` and is removed when the source is closed.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from steps.core import runtime, uris
from steps.core.errors import NoInputError, TransientError, UsageError
from steps.google import bigquery
from steps.io.stores import connect_to_bucket
from steps.sources import files, staging

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from steps.buckets import Object, Store
    from steps.google.bigquery.fetch import Fetched
    from steps.schema import Schema
    from steps.sources.files import Source
    from steps.sources.reading import Reading


@contextmanager
def open_source(  # noqa: PLR0913 - where the table is, and what is read of it
    uri: str,
    schema: Schema,
    reading: Reading,
    file: Path | None = None,
    *,
    labelled: bool = True,
    others: Sequence[str] = (),
) -> Iterator[Source]:
    """Open a source by its URI.

    Args:
        uri: ``builtin:``, a path, ``file://``, ``gs://``, ``s3://`` or ``bq://``.
        schema: The schema of the source.
        reading: The options for BigQuery.
        file: A copy of the file that the URI names on another machine; None to read the URI.
        labelled: As for ``steps.sources.files.open_files``.
        others: The names of columns that are read too, if the source has them. Files are fetched whole in any case.

    Raises:
        UsageError: The file is not a copy of what the URI names.
        TransientError: An object was replaced while it was fetched, or as for ``buckets.Store``.
        PipelineError: As for ``steps.sources.files.open_source``, ``bigquery.read`` and ``buckets.Store``.
    """
    address = uris.parse(uri)
    uri = address.text
    reading.check_source(uri)
    if file:
        if address.kind != uris.PATH or address.path.name != file.name:
            what = f"the source is {uri}, but the file that was submitted with the run is {file.name}"
            raise UsageError(what, where="--source", fix="submit a new run with this --source")
        yield files.open_files([(file, file.name)], schema, file.name, labelled=labelled)
        return
    if address.kind not in (*uris.BUCKETS, uris.TABLE):
        yield files.open_source(uri, schema, labelled=labelled)
        return
    with tempfile.TemporaryDirectory(prefix="covertype-source-") as name:
        folder = Path(name)
        if address.kind in uris.BUCKETS:
            yield _fetch_from_bucket(uri, schema, folder, labelled=labelled)
        else:
            needed = bigquery.Needed(schema, labelled, tuple(others))
            yield _fetch_from_bigquery(uri, needed, reading, folder)


def open_exported(  # noqa: PLR0913, PLR0917 - the fields of an ExportRequest
    uri: str, schema: Schema, reading: Reading, slugs: Sequence[str], prefix: str, labels: str
) -> AbstractContextManager[Fetched]:
    """Let BigQuery export the datasets to Cloud Storage, and open their rows as a source.

    Args:
        uri: The source, which must be in BigQuery.
        schema: The schema of the source.
        reading: The options for BigQuery.
        slugs: The cover types whose datasets are exported.
        prefix: The ``gs://`` prefix of the datasets.
        labels: ``auto``, ``zero`` or ``one``, see ``steps.tables.labels.find_offset``.

    Raises:
        UsageError: The source is not in BigQuery, or the prefix is not in Cloud Storage.
        PipelineError: As for ``steps.google.bigquery.export.export``.
    """
    address = uris.parse(uri)
    if address.kind != uris.TABLE:
        what = f"this is for BigQuery, the source is {uri}"
        raise UsageError(what, where="--inside-bigquery", fix=f"use --source {uris.TABLE}PROJECT.DATASET.TABLE")
    from steps.google.bigquery import fetch
    from steps.google.bigquery.export import ExportRequest

    prefix = uris.parse(prefix, (uris.GCS,), what="destination", where="--inside-bigquery").text
    return fetch.open_exported(ExportRequest(address.text, schema, reading, slugs, prefix, labels))


def version_of(uri: str, reading: Reading) -> str | None:
    """Return an identifier of the current content of a remote source, without reading its rows.

    It is None if the next read may return other rows. Errors are those of :func:`open_source`.
    """
    address = uris.parse(uri)
    if address.kind == uris.TABLE:
        return bigquery.version_of(address.text, reading)
    return " ".join(f"{each.uri}#{each.generation}" for each in _list_objects(address.text)[1])


def _fetch_from_bigquery(uri: str, needed: bigquery.Needed, reading: Reading, folder: Path) -> Source:
    path, name = folder / "table.parquet", bigquery.source_name(uri, reading)
    staging.write_staged(bigquery.read(uri, needed, reading), path, name)
    return files.open_files([(path, name)], needed.schema, name, labelled=needed.labelled)


def _fetch_from_bucket(uri: str, schema: Schema, folder: Path, *, labelled: bool) -> Source:
    """Download the objects one after another. Each keeps its name, in a folder of its own."""
    store, found = _list_objects(uri)
    size = sum(each.size for each in found)
    runtime.log(f"{uri}: {len(found)} objects, {size:,} bytes")
    fetched = []
    for number, each in enumerate(found):
        target = folder / str(number) / Path(each.name).name
        try:
            store.download(each, target)
        except NoInputError:  # this generation of the object is gone
            what = "the object was replaced or deleted while it was fetched"
            raise TransientError(what, where=each.uri, fix="run again") from None
        fetched.append((target, each.uri))
    return files.open_files(fetched, schema, uri, labelled=labelled)


def _list_objects(uri: str) -> tuple[Store, list[Object]]:
    store = connect_to_bucket(uri)
    return store, store.objects(uri)
