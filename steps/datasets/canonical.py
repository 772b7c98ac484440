"""Convert the columns of a source to the columns of the schema, and check every value."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steps.core.errors import BadDataError, BadRowError
from steps.schema.dtypes import INTEGER_DTYPES, value_range
from steps.sources.layouts import dictionary_type
from steps.tables import SPLIT, SPLITS, cells, spelling
from steps.tables.spelling import format_value, nan_to_null

if TYPE_CHECKING:
    from collections.abc import Callable

    from steps.schema import Column, Schema
    from steps.sources.layouts import Layout


def canonical_columns(  # noqa: PLR0913, PLR0917 - what is read, and where it is from
    schema: Schema,
    layout: Layout,
    batch: pa.RecordBatch,
    first_row: int,
    where: str,
    report: Callable[[BadRowError, str], None] | None = None,
) -> list[pa.Array]:
    """Return the canonical feature columns of a batch, in the order of the schema. A missing value is null.

    Args:
        schema: The schema of the source.
        layout: The layout of the source.
        batch: Rows of the source, with at least the columns of ``layouts.source_columns``.
        first_row: The position of the batch's first row in the source, for error messages.
        where: The source, for error messages.
        report: Called with the error of a value and the name of its column. The value is then null. None to raise the
            error.

    Raises:
        BadRowError: A value is out of range or not one of the known values, or a row does not have exactly one 1 in a
            group of one-hot columns. The message names the column, the row and the value.
        BadDataError: A column has the wrong type.
    """
    return [_column(column, layout, batch, first_row, where, report) for column in schema.columns]


def _column(  # noqa: PLR0913, PLR0917 - as above
    column: Column,
    layout: Layout,
    batch: pa.RecordBatch,
    first_row: int,
    where: str,
    report: Callable[[BadRowError, str], None] | None,
) -> pa.Array:
    """Return a canonical feature column."""
    while True:
        try:
            if not column.categorical:
                return _numeric_column(column, batch.column(column.name), first_row, where)
            if layout.one_hot:
                return _category_from_one_hot(column, layout, batch, first_row, where)
            return _category_column(column, batch.column(column.name), first_row, where)
        except BadRowError as error:
            if report is None:
                raise
            report(error, column.name)
            one_hot = column.categorical and layout.one_hot
            for name in layout.one_hot_columns(column) if one_hot else (column.name,):
                batch = without_value(batch, name, error.row - first_row)


def without_value(batch: pa.RecordBatch, name: str, at: int) -> pa.RecordBatch:
    """Return a batch with null as one value of a column."""
    values = batch.column(name)
    keep = pa.array(np.arange(len(values)) != at)
    if pa.types.is_dictionary(values.type):
        indices = pc.if_else(keep, values.indices, pa.scalar(None, values.indices.type))
        values = pa.DictionaryArray.from_arrays(indices, values.dictionary)
    else:
        values = pc.if_else(keep, values, pa.scalar(None, values.type))
    return batch.set_column(batch.schema.get_field_index(name), batch.schema.field(name), values)


def encode_splits(batch: pa.RecordBatch, first_row: int, where: str) -> pa.Array:
    """Return the ``split`` column of a source as positions in ``SPLITS`` (int8); BadDataError for any other value."""
    values = spelling.to_text(batch.column(SPLIT), SPLIT, where)
    values = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
    codes = pc.index_in(values, pa.array(SPLITS))
    if codes.null_count:
        at = _first_true(codes.is_null())
        given = values[at].as_py()
        if given is None:
            _raise_at_row(f"a value is missing in column {SPLIT!r}", first_row + at, where, f"use {', '.join(SPLITS)}")
        near = spelling.nearest_name(given, SPLITS)
        fix = f"write it as {near!r}?" if near else "correct the source"
        what = f"{format_value(given)} in column {SPLIT!r} is not one of {', '.join(SPLITS)}"
        _raise_at_row(what, first_row + at, where, fix)
    return codes.cast(pa.int8())


def _first_true(mask: pa.Array) -> int:
    return int(np.argmax(pc.fill_null(mask, fill_value=False).to_numpy(zero_copy_only=False)))


def _raise_at_row(what: str, row: int, where: str, fix: str = "correct the source") -> NoReturn:
    raise BadRowError(what, row=row, file=where, fix=fix)


def to_numbers(name: str, values: pa.Array, first_row: int, where: str, *, whole: bool) -> pa.Array:
    """Return a column as integers or floats of any width, with null for NaN.

    Decimals become int64 if ``whole`` is set, so that they stay exact, and otherwise float64.

    Args:
        name: The name of the column, for error messages.
        values: The column.
        first_row: The position of the first value in the source, for error messages.
        where: The source, for error messages.
        whole: Whether the values must be whole numbers.

    Raises:
        BadDataError: The column is not numeric, or a value is not whole although ``whole`` is set.
    """
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_boolean(values.type):
        return values.cast(pa.int8())
    if pa.types.is_null(values.type):
        return values.cast(pa.int64())
    if pa.types.is_decimal(values.type):
        return _decimals_to_numbers(name, values.cast(pa.string()), first_row, where, whole=whole)
    if pa.types.is_floating(values.type):
        values = nan_to_null(values)
        broken = pc.not_equal(values, pc.trunc(values)) if whole else None
        if broken is not None and pc.any(broken).as_py():
            at = _first_true(broken)
            what = f"{format_value(values[at].as_py())} in column {name!r} is not a whole number"
            _raise_at_row(what, first_row + at, where)
    elif not pa.types.is_integer(values.type):
        fix = "convert it, for example to days" if pa.types.is_temporal(values.type) else "convert it"
        raise BadDataError(f"column {name!r} has type {values.type}, a number is needed", where=where, fix=fix)
    return values


def _decimals_to_numbers(name: str, text: pa.Array, first_row: int, where: str, *, whole: bool) -> pa.Array:
    try:
        return cells.parse_whole_numbers(text) if whole else cells.parse_numbers(text)
    except cells.CellError as error:
        _raise_at_row(f"{error.cell} in column {name!r} {error.problem}", first_row + error.at, where)


def _numeric_column(column: Column, values: pa.Array, first_row: int, where: str) -> pa.Array:
    wanted = pa.type_for_alias(column.dtype)
    values = to_numbers(column.name, values, first_row, where, whole=pa.types.is_integer(wanted))
    low, high = value_limits(column)
    outside = _mask_outside(values, low, high)
    if pc.any(outside).as_py():
        at = _first_true(outside)
        limits = f"{format_value(low)} to {format_value(high)}"
        what = f"{format_value(values[at].as_py())} in column {column.name!r} is outside {limits}"
        _raise_at_row(what, first_row + at, where)
    return values.cast(wanted, safe=False)


def value_limits(column: Column) -> tuple[float, float]:
    """Return the smallest and the largest value of a numeric column: the schema's range within that of the dtype.

    The limits of a float32 column are rounded outwards to float32, because its values are rounded to float32 too.

    Returns:
        Two integers for an integer dtype, otherwise two floats.
    """
    low, high = value_range(column.dtype)
    least = low if column.minimum is None else max(column.minimum, low)
    most = high if column.maximum is None else min(column.maximum, high)
    if column.dtype in INTEGER_DTYPES:
        return math.ceil(least), math.floor(most)
    if column.dtype == "float32":
        return min(least, float(np.float32(least))), max(most, float(np.float32(most)))
    return float(least), float(most)


def _mask_outside(values: pa.Array, low: float, high: float) -> pa.Array:
    """Return which values are below ``low`` or above ``high`` (bool, null for a null). The comparison is exact."""
    if pa.types.is_integer(values.type):
        info = np.iinfo(values.type.to_pandas_dtype())
        low, high = math.ceil(low), math.floor(high)
        if low > info.max or high < info.min:
            return values.is_valid()
        low, high = max(low, info.min), min(high, info.max)
        bounds = pa.scalar(low, values.type), pa.scalar(high, values.type)
    else:
        values = values.cast(pa.float64())
        bounds = pa.scalar(_round_to_float64(low, math.inf)), pa.scalar(_round_to_float64(high, -math.inf))
    return pc.or_(pc.less(values, bounds[0]), pc.greater(values, bounds[1]))


def _round_to_float64(number: float, towards: float) -> float:
    """Return the float64 nearest to ``number``, rounded in the direction of ``towards`` if it is not exact.

    A large integer may not be exact in float64.
    """
    nearest = float(number)
    beyond = nearest < number if towards > 0 else nearest > number
    return math.nextafter(nearest, towards) if beyond else nearest


def _category_column(column: Column, values: pa.Array, first_row: int, where: str) -> pa.Array:
    text = spelling.to_text(values, column.name, where)
    try:
        codes = spelling.find_positions(column.values, text)
        unknown = pc.and_(codes.is_null(), text.is_valid())
        at = _first_true(unknown) if pc.any(unknown).as_py() else None
        given = "" if at is None else str(text[at].as_py())
    except pa.ArrowIndexError as error:
        what = f"column {column.name!r} is damaged ({error})"
        raise BadDataError(what, where=where, fix="fetch the file again") from None
    except UnicodeDecodeError:
        what = f"a value of column {column.name!r} is not UTF-8"
        raise BadDataError(what, where=where, fix="write it again as UTF-8") from None
    if at is None:
        return pa.DictionaryArray.from_arrays(
            codes.cast(dictionary_type(column).index_type), pa.array(column.values, pa.string())
        )
    if not (_is_text(values.type) or codes.null_count < len(codes)):
        fix = f"use names such as {column.values[0]!r}"
        raise BadDataError(f"column {column.name!r} has type {values.type}, strings are needed", where=where, fix=fix)
    near = spelling.nearest_name(given, column.values)
    fix = f"write it as {near!r}?" if near else "correct the source"
    _raise_at_row(f"unknown value {spelling.quote(given)} in column {column.name!r}", first_row + at, where, fix)


def _is_text(kind: pa.DataType) -> bool:
    """Return whether a type is one of strings, or the type of a column without any value."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    return any(test(kind) for test in tests)


def _category_from_one_hot(
    column: Column, layout: Layout, batch: pa.RecordBatch, first_row: int, where: str
) -> pa.Array:
    kind = dictionary_type(column)
    codes = np.zeros(batch.num_rows, kind.index_type.to_pandas_dtype())
    ones = np.zeros(batch.num_rows, np.int32)
    missing = np.zeros(batch.num_rows, bool)
    names = layout.one_hot_columns(column)
    for i, name in enumerate(names):
        values = _one_hot_column(name, batch, first_row, where)
        if values.null_count:
            missing |= values.is_null().to_numpy(zero_copy_only=False)
            values = pc.fill_null(values, fill_value=0)
        flags = values.to_numpy(zero_copy_only=False)
        ones += flags
        codes += flags * codes.dtype.type(i)
    wrong = (ones != 1) & ~missing
    if wrong.any():
        at = int(np.argmax(wrong))
        what = f"{ones[at]} of the columns {column.name}{layout.separator}* are 1, exactly one must be"
        _raise_at_row(what, first_row + at, where)
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=missing), pa.array(column.values, pa.string()))


def _one_hot_column(name: str, batch: pa.RecordBatch, first_row: int, where: str) -> pa.Array:
    values = batch.column(name)
    if pa.types.is_boolean(values.type) or pa.types.is_null(values.type):
        return values.cast(pa.int8())
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        raise BadDataError(f"column {name!r} has type {values.type}, 0 and 1 are needed", where=where, fix="convert it")
    if pa.types.is_floating(values.type):
        values = nan_to_null(values)
    wrong = pc.and_(pc.not_equal(values, 0), pc.not_equal(values, 1))
    if pc.any(wrong).as_py():
        at = _first_true(wrong)
        what = f"{format_value(values[at].as_py())} in column {name!r} is neither 0 nor 1"
        _raise_at_row(what, first_row + at, where)
    return values.cast(pa.int8())
