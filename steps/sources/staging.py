"""Record batches of a remote source, written to a local parquet file that depends on the rows alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from steps import tables
from steps.core.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


def stage(batches: Iterable[pa.RecordBatch], path: Path, name: str) -> None:
    """Write record batches to a parquet file that depends on the rows alone, not on how they arrived.

    Raises:
        BadDataError: there is no batch.
    """
    plain = regular(map(_plain, batches), tables.BATCH_ROWS)
    first = next(plain, None)
    if first is None:
        raise BadDataError("there is no row", where=name, fix="check the table or the query")
    with tables.open_writer(path, first.schema) as out:
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
