"""Sources of any kind as local files: what lies in BigQuery or Cloud Storage is fetched once to a temporary folder.

``prepare`` reads a source several times, always in the same order; a remote table gives neither for free. The folder
lies below ``TMPDIR`` and is removed when the source is closed.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from steps import bigquery, runtime, sources, tables, uris
from steps.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from steps.gcs import Object, Store
    from steps.reading import Reading
    from steps.schema import Schema
    from steps.sources import Source


@contextmanager
def opened(uri: str, schema: Schema, reading: Reading) -> Iterator[Source]:
    """Open a source by its URI; ``reading`` is for BigQuery.

    Raises:
        PipelineError: as ``sources.open_source``, ``bigquery.read`` and ``gcs.Store`` raise it.
    """
    address = uris.parse(uri)
    uri = address.text
    reading.check(uri)
    if address.kind not in (uris.BUCKET, uris.TABLE):
        yield sources.open_source(uri, schema)
        return
    with tempfile.TemporaryDirectory(prefix="covertype-source-") as name:
        folder = Path(name)
        if address.kind == uris.BUCKET:
            yield _from_bucket(uri, schema, folder)
        else:
            yield _from_bigquery(uri, schema, reading, folder)


def version_of(uri: str, reading: Reading) -> str | None:
    """Return what stands for the content of a ``gs://`` or ``bq://`` source as it is now, without reading it.

    None where the same read may give other rows next time. Errors as :func:`opened`.
    """
    address = uris.parse(uri)
    if address.kind == uris.TABLE:
        return bigquery.version_of(address.text, reading)
    return " ".join(f"{each.uri}#{each.generation}" for each in _objects(address.text)[1])


def _from_bigquery(uri: str, schema: Schema, reading: Reading, folder: Path) -> Source:
    path, name = folder / "table.parquet", bigquery.name_of(uri, reading)
    stage(bigquery.read(uri, schema, reading), path, name)
    return sources.open_files([(path, name)], schema, name)


def _from_bucket(uri: str, schema: Schema, folder: Path) -> Source:
    """Download the objects one after another; each keeps its own name, below a folder of its own."""
    store, found = _objects(uri)
    size = sum(each.size for each in found)
    runtime.log(f"{uri}: {len(found)} objects, {size:,} bytes")
    files = []
    for number, each in enumerate(found):
        target = folder / str(number) / Path(each.name).name
        store.download(each, target)
        files.append((target, each.uri))
    return sources.open_files(files, schema, uri)


def _objects(uri: str) -> tuple[Store, list[Object]]:
    from steps import gcs

    gcs.split(uri)  # an address that is none is told before credentials are looked for
    store = gcs.connect()
    return store, store.objects(uri)


def stage(batches: Iterable[pa.RecordBatch], path: Path, name: str) -> None:
    """Write record batches to a parquet file that depends on the rows alone, not on how they arrived.

    Raises:
        BadDataError: there is no batch.
    """
    plain = regular(map(_plain, batches), tables.BATCH_ROWS)
    first = next(plain, None)
    if first is None:
        raise BadDataError("there is no row", where=name, fix="check the table or the query")
    with tables.writer(path, first.schema) as out:
        out.write(first)
        for batch in plain:
            out.write(batch)


def regular(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the same rows in batches of exactly ``rows``, the last one with what is left."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            part = batch.slice(start, rows - count)
            waiting.append(part)
            start, count = start + part.num_rows, count + part.num_rows
            if count == rows:
                yield _joined(waiting)
                waiting, count = [], 0
    if waiting:
        yield _joined(waiting)


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch without what a service says about its fields, decimals as the float64 that is nearest."""
    return pa.RecordBatch.from_arrays([_binary(values) for values in batch.columns], names=batch.schema.names)


def _binary(values: pa.Array) -> pa.Array:
    """Return decimals as float64 by way of their digits: Arrow's own conversion makes 2010.9999999999998 of 2011."""
    return values.cast(pa.string()).cast(pa.float64()) if pa.types.is_decimal(values.type) else values
