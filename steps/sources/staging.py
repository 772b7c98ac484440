"""Write the record batches of a remote source to a local parquet file.

The bytes of the file depend on the rows only, not on how the service cut them into batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from steps import tables
from steps.core.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


def write_staged(batches: Iterable[pa.RecordBatch], path: Path, name: str) -> None:
    """Write record batches to a parquet file.

    Args:
        batches: The batches, all with the same columns.
        path: The file to write.
        name: The source, for error messages.

    Raises:
        BadDataError: There is no row.
    """
    equal_batches = rebatch(map(_normalise, batches), tables.BATCH_ROWS)
    first = next(equal_batches, None)
    if first is None:
        raise BadDataError("there is no row", where=name, fix="check the table or the query")
    with tables.open_writer(path, first.schema) as out:
        out.write(first)
        for batch in equal_batches:
            out.write(batch)


def rebatch(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the same rows in batches of ``rows`` rows each; the last batch may be smaller."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            part = batch.slice(start, rows - count)
            waiting.append(part)
            start, count = start + part.num_rows, count + part.num_rows
            if count == rows:
                yield _concatenate(waiting)
                waiting, count = [], 0
    if waiting:
        yield _concatenate(waiting)


def _concatenate(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def _normalise(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch without the service's metadata of the fields, and with float64 for decimals."""
    columns = [_decimals_to_float64(values) for values in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _decimals_to_float64(values: pa.Array) -> pa.Array:
    """Return decimals as the nearest float64.

    The conversion goes through text, because Arrow's direct one is inexact: it gives 2010.9999999999998 for 2011.
    """
    return values.cast(pa.string()).cast(pa.float64()) if pa.types.is_decimal(values.type) else values
