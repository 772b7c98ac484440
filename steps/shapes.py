"""The shapes a source table may have, told apart by its columns, and their conversion to the canonical one.

1. canonical: the schema's columns and the target;
2. the same with labels that start at zero (the public BigQuery table);
3. one-hot: each category as 0/1 columns ``NAME_0 NAME_1 ...`` (scikit-learn) or without any header (UCI).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steps.errors import BadDataError
from steps.labels import shown
from steps.tables import SPLIT, SPLITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steps.schema import Column, Schema


@dataclass(frozen=True)
class Shape:
    """How the columns of a source map to the canonical ones."""

    name: str
    one_hot: bool
    has_split: bool


def one_hot_names(schema: Schema) -> list[str]:
    """Return the column names of the one-hot shape, in the order of UCI's headerless file, without the target."""
    return [
        name
        for column in schema.columns
        for name in ([f"{column.name}_{i}" for i in range(len(column.values))] if column.categorical else [column.name])
    ]


def headerless_names(schema: Schema, count: int, where: str) -> list[str]:
    """Return the names of a headerless file's ``count`` columns; BadDataError where no shape has as many."""
    canonical, one_hot = [c.name for c in schema.columns], one_hot_names(schema)
    for names in (one_hot, canonical):
        if count == len(names) + 1:
            return [*names, schema.target]
    expected = " or ".join(str(one + 1) for one in sorted({len(canonical), len(one_hot)}))
    what = f"{count} columns without a header, where {expected} are expected"
    raise BadDataError(what, where=where, fix="add a header")


def recognise(schema: Schema, names: Sequence[str], where: str) -> Shape:
    """Tell the shape from the column names, whose order does not matter.

    Raises:
        BadDataError: a column is missing, unknown or there twice; the message names it.
    """
    for name in names:
        if list(names).count(name) > 1:
            raise BadDataError(f"column {name!r} is there twice", where=where, fix="rename or drop one")
    present = set(names) - {SPLIT}
    canonical = {*(c.name for c in schema.columns), schema.target}
    one_hot = {*one_hot_names(schema), schema.target}
    if present == canonical:
        return Shape("canonical", one_hot=False, has_split=SPLIT in names)
    if present == one_hot:
        return Shape("one-hot", one_hot=True, has_split=SPLIT in names)
    likely = one_hot if len(present & one_hot) > len(present & canonical) else canonical
    missing, extra = sorted(likely - present), sorted(present - likely)
    parts = [f"column {missing[0]!r} is missing"] if missing else []
    parts += [f"column {extra[0]!r} is not in the schema"] if extra else []
    fix = f"rename {extra[0]!r}?" if missing and extra else "add it" if missing else "drop it, or add it to the schema"
    raise BadDataError(" and ".join(parts), where=where, fix=fix)


def feature_fields(schema: Schema) -> list[pa.Field]:
    """Return the arrow fields of the canonical feature columns; categories are dictionaries of strings."""
    return [
        pa.field(c.name, pa.dictionary(pa.int16(), pa.string()) if c.categorical else pa.type_for_alias(c.dtype))
        for c in schema.columns
    ]


def columns_of(schema: Schema, shape: Shape) -> list[str]:
    """Return the source columns that :func:`canonical` needs, without the target."""
    names = one_hot_names(schema) if shape.one_hot else [c.name for c in schema.columns]
    return [*names, *([SPLIT] if shape.has_split else [])]


def canonical(schema: Schema, shape: Shape, batch: pa.RecordBatch, first_row: int, where: str) -> list[pa.Array]:
    """Return a batch's canonical feature columns, in the order of the schema; a missing value stays null.

    Args:
        schema: what the columns must be.
        shape: as :func:`recognise` returned it.
        batch: rows of the source, at least the columns of :func:`columns_of`.
        first_row: position of the batch's first row in the source, for messages.
        where: the source, for messages.

    Raises:
        BadDataError: a value has the wrong type, is out of its range or none of the known ones, or a row does not
            have exactly one 1 in a group of one-hot columns; the message names the column, the row and the value.
    """
    arrays = []
    for column in schema.columns:
        if not column.categorical:
            arrays.append(_numeric(column, batch.column(column.name), first_row, where))
        elif shape.one_hot:
            arrays.append(_from_one_hot(column, batch, first_row, where))
        else:
            arrays.append(_category(column, batch.column(column.name), first_row, where))
    return arrays


def splits(batch: pa.RecordBatch, first_row: int, where: str) -> pa.Array:
    """Return the ``split`` column of a source as int8 positions in ``SPLITS``; BadDataError for any other value."""
    values = _decoded(batch.column(SPLIT))
    codes = pc.index_in(values.cast(pa.string()), pa.array(SPLITS))
    if codes.null_count:
        at = _first(codes.is_null())
        _refuse(
            f"{shown(values[at].as_py())} in column {SPLIT!r} is none of {', '.join(SPLITS)}", first_row + at, where
        )
    return codes.cast(pa.int8())


def _first(mask: pa.Array) -> int:
    return int(np.argmax(mask.to_numpy(zero_copy_only=False)))


def _refuse(what: str, row: int, where: str) -> None:
    raise BadDataError(what, where=f"row {row} of {where}", fix="correct the source")


def _decoded(values: pa.Array) -> pa.Array:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _without_nan(values: pa.Array) -> pa.Array:
    """Return floats with NaN as missing; half floats become float32, as Arrow computes little with them."""
    if pa.types.is_float16(values.type):
        values = values.cast(pa.float32())
    return pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)


def _numeric(column: Column, values: pa.Array, first_row: int, where: str) -> pa.Array:
    wanted = pa.type_for_alias(column.dtype)
    if pa.types.is_null(values.type):
        return values.cast(wanted)
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        raise BadDataError(
            f"column {column.name!r} has type {values.type}, a number is needed", where=where, fix="convert it"
        )
    if pa.types.is_floating(values.type):
        values = _without_nan(values)
        whole = pa.types.is_floating(wanted) or not pc.any(pc.not_equal(values, pc.trunc(values))).as_py()
        if not whole:
            at = _first(pc.fill_null(pc.not_equal(values, pc.trunc(values)), fill_value=False))
            _refuse(f"{shown(values[at].as_py())} in column {column.name!r} is no whole number", first_row + at, where)
    low, high = _range(column, wanted)
    # Compared as float64: int64 beyond 2**53 is rounded, which cannot hide a value that is out of range.
    plain = values.cast(pa.float64(), safe=False)
    outside = pc.or_(pc.less(plain, low), pc.greater(plain, high))
    if pc.any(outside).as_py():
        at = _first(pc.fill_null(outside, fill_value=False))
        _refuse(
            f"{shown(values[at].as_py())} in column {column.name!r} is outside {low:g} to {high:g}",
            first_row + at,
            where,
        )
    return values.cast(wanted, safe=False)


def _range(column: Column, wanted: pa.DataType) -> tuple[float, float]:
    """Return the values a column may have: the schema's range inside what its dtype and float32 can hold.

    Models compute in float32, where a larger number would be infinite. The largest int64 is 2**63 - 1, whose float64
    is one more: the next float64 below is the end of the range.
    """
    dtype = np.dtype(wanted.to_pandas_dtype())
    info: np.iinfo | np.finfo = np.iinfo(dtype) if dtype.kind in "iu" else np.finfo(np.float32)
    top = np.nextafter(2.0**63, 0) if dtype == np.int64 else info.max
    low = info.min if column.minimum is None else max(column.minimum, info.min)
    high = top if column.maximum is None else min(column.maximum, top)
    return float(low), float(high)


def _category(column: Column, values: pa.Array, first_row: int, where: str) -> pa.Array:
    dictionary = pa.array(column.values, pa.string())
    if pa.types.is_dictionary(values.type) and values.dictionary.null_count:
        values = values.dictionary_decode()
    if pa.types.is_dictionary(values.type):
        mapped = pc.index_in(values.dictionary.cast(pa.string()), dictionary)
        try:
            codes = mapped.take(values.indices)
        except pa.ArrowIndexError as error:
            what = f"column {column.name!r} is damaged ({error})"
            raise BadDataError(what, where=where, fix="fetch the file again") from None
    elif _is_text(values.type):
        codes = pc.index_in(values.cast(pa.string()), dictionary, skip_nulls=True)
    else:
        fix = f"use names such as {column.values[0]!r}"
        raise BadDataError(f"column {column.name!r} has type {values.type}, strings are needed", where=where, fix=fix)
    unknown = pc.and_(codes.is_null(), values.is_valid())
    if pc.any(unknown).as_py():
        at = _first(unknown)
        _refuse(f"unknown value {values[at].as_py()!r} in column {column.name!r}", first_row + at, where)
    return pa.DictionaryArray.from_arrays(codes.cast(pa.int16()), dictionary)


def _is_text(kind: pa.DataType) -> bool:
    """Whether a column holds strings, or nothing at all."""
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    return any(test(kind) for test in tests)


def _from_one_hot(column: Column, batch: pa.RecordBatch, first_row: int, where: str) -> pa.Array:
    codes = np.zeros(batch.num_rows, np.int16)
    ones = np.zeros(batch.num_rows, np.int16)
    missing = np.zeros(batch.num_rows, bool)
    for i in range(len(column.values)):
        values = _flag(f"{column.name}_{i}", batch, first_row, where)
        missing |= values.is_null().to_numpy(zero_copy_only=False)
        flags = pc.fill_null(values, fill_value=0).to_numpy(zero_copy_only=False)
        ones += flags
        codes += flags * np.int16(i)
    wrong = (ones != 1) & ~missing
    if wrong.any():
        at = int(np.argmax(wrong))
        _refuse(f"{ones[at]} of the columns {column.name}_* are 1, exactly one must be", first_row + at, where)
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=missing), pa.array(column.values, pa.string()))


def _flag(name: str, batch: pa.RecordBatch, first_row: int, where: str) -> pa.Array:
    values = batch.column(name)
    if pa.types.is_boolean(values.type) or pa.types.is_null(values.type):
        return values.cast(pa.int8())
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        raise BadDataError(f"column {name!r} has type {values.type}, 0 and 1 are needed", where=where, fix="convert it")
    if pa.types.is_floating(values.type):
        values = _without_nan(values)
    wrong = pc.and_(pc.not_equal(values, 0), pc.not_equal(values, 1))
    if pc.any(wrong).as_py():
        at = _first(pc.fill_null(wrong, fill_value=False))
        _refuse(f"{shown(values[at].as_py())} in column {name!r} is neither 0 nor 1", first_row + at, where)
    return values.cast(pa.int8())
