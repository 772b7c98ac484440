"""Draws tables as parquet, with the column types of common writers, and records the meaning of their values."""

from __future__ import annotations

import decimal
import io
import math
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from tests.fuzz import words
from tests.fuzz.cells import REFUSED, Column, Table, number_in

if TYPE_CHECKING:
    from collections.abc import Callable

_NUMBER_TYPES = (
    *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint64(), pa.float16(), pa.float32(), pa.float64()),
    *(pa.string(), pa.large_string(), pa.bool_(), pa.decimal128(20, 4), pa.decimal256(40, 4), pa.date32(), pa.binary()),
    *(pa.timestamp("us"), pa.duration("s"), pa.list_(pa.float64()), pa.dictionary(pa.int32(), pa.string()), pa.null()),
    *(pa.dictionary(pa.int32(), pa.int64()), pa.dictionary(pa.int8(), pa.float64()), pa.time32("s")),
)
_TEXT_TYPES = (
    *(pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.dictionary(pa.int8(), pa.string()), pa.null()),
    *(pa.dictionary(pa.int64(), pa.large_string()), pa.list_(pa.string()), pa.struct([("a", pa.string())]), pa.int32()),
)


def fill(draw: st.DrawFn, table: Table, columns: list[Column], target: str, *, odd: bool) -> None:
    """Draw the file of a table, and record the meaning of its columns."""
    arrays: list[tuple[str, pa.Array]] = []
    for column in columns:
        cells = table.columns[column.name]
        usual = pa.string() if column.categorical else pa.int64() if column.whole else pa.float64()
        array = _array(draw, cells, usual, _TEXT_TYPES if column.categorical else _NUMBER_TYPES, odd=odd)
        table.columns[column.name] = meaning(array, text=column.categorical)
        arrays.append((column.name, array))
    text = any(isinstance(label, str) for label in table.target)
    usual, kinds = (pa.string(), _TEXT_TYPES) if text else (pa.int64(), _NUMBER_TYPES)
    array = _array(draw, table.target, usual, kinds, odd=odd)
    table.target = meaning(array, text=text)
    arrays.append((draw(words.texts) if odd and draw(st.integers(0, 9)) == 0 else target, array))
    if table.split:
        kind = draw(st.sampled_from([pa.string(), pa.dictionary(pa.int8(), pa.string())]))
        arrays.append(("split", pa.array(table.split, kind)))
    if odd and draw(st.booleans()):
        arrays = draw(st.permutations(arrays))
    made = pa.Table.from_arrays([array for _, array in arrays], names=[name for name, _ in arrays])
    if odd and draw(st.integers(0, 3)) == 0:
        made = made.append_column(draw(st.sampled_from(["__index_level_0__", "extra", ""])), pa.array(range(len(made))))
    out = io.BytesIO()
    size = draw(st.sampled_from([1 << 20, 7, 1])) if odd else 1 << 20
    pq.write_table(
        made, out, row_group_size=size, compression=draw(st.sampled_from(["snappy", "none", "zstd", "gzip"]))
    )
    table.source = "table.parquet"
    table.files[table.source] = out.getvalue()


def _array(
    draw: st.DrawFn, cells: list[Any], usual: pa.DataType, kinds: tuple[pa.DataType, ...], *, odd: bool
) -> pa.Array:
    kind = draw(st.sampled_from(kinds)) if odd and draw(st.integers(0, 2)) == 0 else usual
    for wanted in (kind, usual, pa.float64(), pa.string()):
        try:
            return _converted(cells, wanted)
        except (pa.ArrowException, TypeError, ValueError, OverflowError, AttributeError):
            continue
    return pa.nulls(len(cells))


def _converted(cells: list[Any], kind: pa.DataType) -> pa.Array:
    """Return cells as an Arrow column of a type; an exception where that is impossible."""
    if pa.types.is_dictionary(kind):
        return _converted(cells, kind.value_type).dictionary_encode().cast(kind)
    if pa.types.is_null(kind):
        return pa.nulls(len(cells))
    for is_kind, made in _MAKERS:
        if is_kind(kind):
            return pa.array([None if cell is None else made(cell) for cell in cells], kind)
    if pa.types.is_floating(kind) or pa.types.is_integer(kind):
        return pa.array(cells, kind)
    return pa.array(cells, pa.int64()).cast(pa.int32()).cast(kind)


_MAKERS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[Any], Any]], ...] = (
    (pa.types.is_string, str),
    (pa.types.is_large_string, str),
    (pa.types.is_string_view, str),
    (pa.types.is_boolean, bool),
    (pa.types.is_binary, lambda cell: str(cell).encode()),
    (pa.types.is_list, lambda cell: [cell]),
    (pa.types.is_struct, lambda cell: {"a": str(cell)}),
)


def meaning(array: pa.Array, *, text: bool) -> list[Any]:
    """Return the meaning of the values of an Arrow column. NaN is missing; values of other types are refused."""
    return [_text(value) if text else _number(value) for value in array.to_pylist()]


def _text(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bytes):
        return value.decode()
    return REFUSED if isinstance(value, list | dict) else str(value)


def _number(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        return number_in(value)
    numeric = isinstance(value, int | float | decimal.Decimal)
    return value if numeric and math.isfinite(value) else REFUSED
