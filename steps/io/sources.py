"""Open a source by its URI, wherever it is: what lies in BigQuery or Cloud Storage is fetched once to a local folder.

``prepare`` reads a source several times, always in the same order; a remote table gives neither for free. The folder
lies below ``TMPDIR`` and is removed when the source is closed.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from steps.core import runtime, uris
from steps.core.errors import UsageError
from steps.google import bigquery, gcs
from steps.sources import files, staging

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from steps.google.bigquery.fetch import Fetched
    from steps.google.gcs import Object, Store
    from steps.schema import Schema
    from steps.sources.files import Source
    from steps.sources.reading import Reading


@contextmanager
def open_source(uri: str, schema: Schema, reading: Reading) -> Iterator[Source]:
    """Open a source by its URI; ``reading`` is for BigQuery.

    Raises:
        PipelineError: as ``steps.sources.files.open_source``, ``bigquery.read`` and ``gcs.Store`` raise it.
    """
    address = uris.parse(uri)
    uri = address.text
    reading.check_source(uri)
    if address.kind not in (uris.BUCKET, uris.TABLE):
        yield files.open_source(uri, schema)
        return
    with tempfile.TemporaryDirectory(prefix="covertype-source-") as name:
        folder = Path(name)
        if address.kind == uris.BUCKET:
            yield _from_bucket(uri, schema, folder)
        else:
            yield _from_bigquery(uri, schema, reading, folder)


def open_exported(  # noqa: PLR0913, PLR0917 - what was asked for
    uri: str, schema: Schema, reading: Reading, slugs: Sequence[str], prefix: str, labels: str
) -> AbstractContextManager[Fetched]:
    """Have BigQuery make the datasets below a ``gs://`` prefix, and open their rows; for a source in BigQuery only."""
    address = uris.parse(uri)
    if address.kind != uris.TABLE:
        what = f"this is for BigQuery, the source is {uri}"
        raise UsageError(what, where="--inside-bigquery", fix=f"use --source {uris.TABLE}PROJECT.DATASET.TABLE")
    from steps.google.bigquery import fetch
    from steps.google.bigquery.export import Wanted

    prefix = uris.parse(prefix, (uris.BUCKET,), what="destination", where="--inside-bigquery").text
    return fetch.opened(Wanted(address.text, schema, reading, slugs, prefix, labels))


def version_of(uri: str, reading: Reading) -> str | None:
    """Return what stands for the content of a ``gs://`` or ``bq://`` source as it is now, without reading it.

    None where the same read may give other rows next time. Errors as :func:`open_source`.
    """
    address = uris.parse(uri)
    if address.kind == uris.TABLE:
        return bigquery.version_of(address.text, reading)
    return " ".join(f"{each.uri}#{each.generation}" for each in _objects(address.text)[1])


def _from_bigquery(uri: str, schema: Schema, reading: Reading, folder: Path) -> Source:
    path, name = folder / "table.parquet", bigquery.name_of(uri, reading)
    staging.write_staged(bigquery.read(uri, schema, reading), path, name)
    return files.open_files([(path, name)], schema, name)


def _from_bucket(uri: str, schema: Schema, folder: Path) -> Source:
    """Download the objects one after another; each keeps its own name, below a folder of its own."""
    store, found = _objects(uri)
    size = sum(each.size for each in found)
    runtime.log(f"{uri}: {len(found)} objects, {size:,} bytes")
    fetched = []
    for number, each in enumerate(found):
        target = folder / str(number) / Path(each.name).name
        store.download(each, target)
        fetched.append((target, each.uri))
    return files.open_files(fetched, schema, uri)


def _objects(uri: str) -> tuple[Store, list[Object]]:
    gcs.split(uri)  # an address that is none is told before credentials are looked for
    store = gcs.connect()
    return store, store.objects(uri)
