"""Encode the labels of a source as positions among the schema's cover types.

A source may count its labels from another start than the schema: 0 instead of 1. The difference is the offset.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steps.core.errors import BadDataError, BadRowError, UsageError
from steps.tables import cells, spelling
from steps.tables.spelling import format_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from steps.schema import Schema

# Code of a row without a label.
MISSING = -1
# The largest number of labels in a message.
_MOST_NAMED = 20


def count_labels(schema: Schema, columns: Iterable[pa.Array], where: str) -> Counter[object]:
    """Return the number of rows of each label, without missing labels.

    Args:
        schema: The schema of the source.
        columns: The target column, in pieces.
        where: The source, for error messages.

    Raises:
        BadDataError: The column has a type that does not fit the schema's labels.
    """
    counts: Counter[object] = Counter()
    for values in columns:
        for entry in pc.value_counts(_normalise(schema, values, where)).to_pylist():
            if entry["values"] is not None:
                counts[entry["values"]] += entry["counts"]
    return counts


def find_offset(schema: Schema, found: Iterable[object], mode: str, where: str) -> int:
    """Return the number to add to a source's labels to get the schema's labels.

    Args:
        schema: The schema of the source.
        found: The labels that occur in the source; needed for ``auto`` only.
        mode: ``zero`` or ``one`` if the source starts counting there. ``auto`` keeps the labels, unless the schema
            says that they may start at zero. Then it decides by the two labels that only one of the two countings
            has: the lowest and the highest (for Covertype 0 and 7).
        where: The source, for error messages.

    Raises:
        BadDataError: ``auto`` cannot decide, because both of these labels occur or neither does.
        UsageError: ``zero`` or ``one``, but the schema's labels are strings.
    """
    labels = [cover_type.label for cover_type in schema.cover_types if isinstance(cover_type.label, int)]
    if mode != "auto":
        if not labels:
            raise UsageError(
                f"the labels of {schema.target!r} are strings and have no start",
                where=f"--first-label {mode}",
                fix="use --first-label auto",
            )
        return min(labels) - {"zero": 0, "one": 1}[mode]
    if not schema.labels_may_start_at_zero or not labels:
        return 0
    values = set(found)
    if not values:
        what = f"there is no row with a value in column {schema.target!r}"
        raise BadDataError(what, where=where, fix="give a table with labels")
    zero, top = min(labels) - 1, max(labels)
    if (zero in values) != (top in values):
        return 1 if zero in values else 0
    have = "both occur" if zero in values else "neither occurs"
    raise BadDataError(
        f"do the labels of {schema.target!r} start at {zero} or at {zero + 1}? Of {zero} and {top} {have}",
        where=where,
        fix="use --first-label zero or --first-label one",
    )


def describe_start(schema: Schema, offset: int) -> str:
    """Return a word for the lowest label of a source: ``zero``, ``one``, another number, or ``names`` for strings."""
    if _are_strings(schema):
        return "names"
    lowest = min(int(cover_type.label) for cover_type in schema.cover_types) - offset
    return {0: "zero", 1: "one"}.get(lowest, str(lowest))


def encode_labels(schema: Schema, values: pa.Array, offset: int, first_row: int, where: str) -> NDArray[np.int16]:
    """Return the position of each label in ``schema.cover_types`` (int16, shape (rows,)), ``MISSING`` for a null.

    Args:
        schema: The schema of the source.
        values: The target column of a batch.
        offset: The result of :func:`find_offset`.
        first_row: The position of the batch's first row in the source, for error messages.
        where: The source, for error messages.

    Raises:
        BadDataError: A label is not one of the schema's (the message names the row and the label), or the column has
            a type that does not fit the schema's labels.
    """
    normalised = _normalise(schema, values, where)
    labels = [cover_type.label for cover_type in schema.cover_types]
    known = [label if isinstance(label, str) else label - offset for label in labels]
    try:
        found = _find_positions(known, normalised)
        unknown = pc.and_(found.is_null(), normalised.is_valid())
        at = int(np.argmax(unknown.to_numpy(zero_copy_only=False))) if pc.any(unknown).as_py() else None
        given = None if at is None else normalised[at].as_py()
    except UnicodeDecodeError:
        what = f"a value of column {schema.target!r} is not UTF-8"
        raise BadDataError(what, where=where, fix="write it again as UTF-8") from None
    if at is not None:
        what = f"label {format_value(given)} in column {schema.target!r} is not one of {_join_labels(known)}"
        raise BadRowError(what, row=first_row + at, file=where, fix=_suggest_fix(given, known))
    return np.asarray(pc.fill_null(found, MISSING).to_numpy(zero_copy_only=False).astype(np.int16))


def _suggest_fix(given: object, known: Sequence[int | str]) -> str:
    names = [label for label in known if isinstance(label, str)]
    if not names:
        return "correct the source, or use --first-label zero or --first-label one"
    near = spelling.nearest_name(str(given), names)
    return "correct the source" if near is None else f"write it as {near!r}?"


def are_booleans(schema: Schema) -> bool:
    """Return whether a schema's labels are 0 and 1, so that a column may have false and true instead."""
    return {cover_type.label for cover_type in schema.cover_types} == {0, 1}


def _find_positions(known: list[int | str], values: pa.Array) -> pa.Array:
    """Return the position of each label among ``known`` (int32, null for an unknown one). Numbers compare exactly."""
    if not isinstance(known[0], int):
        return spelling.find_positions([str(label) for label in known], values)
    # A label outside the range of the column's type occurs in no row.
    possible = {at: label for at, label in enumerate(known) if _can_represent(values.type, int(label))}
    found = pc.index_in(values, pa.array(list(possible.values()), values.type), skip_nulls=True)
    return pa.array(list(possible), pa.int32()).take(found)


def _can_represent(kind: pa.DataType, label: int) -> bool:
    if pa.types.is_integer(kind):
        info = np.iinfo(kind.to_pandas_dtype())
        return bool(info.min <= label <= info.max)
    return int(np.dtype(kind.to_pandas_dtype()).type(label)) == label


def _join_labels(labels: list[int | str]) -> str:
    more = f" and {len(labels) - _MOST_NAMED} more" if len(labels) > _MOST_NAMED else ""
    return ", ".join(map(format_value, labels[:_MOST_NAMED])) + more


def _are_strings(schema: Schema) -> bool:
    return isinstance(schema.cover_types[0].label, str)


def _normalise(schema: Schema, values: pa.Array, where: str) -> pa.Array:
    """Return labels as strings, or as integers or floats of any width, without dictionary and with null for NaN."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if _are_strings(schema):
        return spelling.to_text(values, schema.target, where)
    if pa.types.is_null(values.type):
        return values.cast(pa.int64())
    if pa.types.is_boolean(values.type) and are_booleans(schema):
        return values.cast(pa.int8())
    if pa.types.is_decimal(values.type):
        return _from_decimals(schema, values, where)
    if pa.types.is_floating(values.type):
        return spelling.nan_to_null(values)
    if not pa.types.is_integer(values.type):
        what = f"column {schema.target!r} has type {values.type}, integers are needed"
        raise BadDataError(what, where=where, fix="convert it")
    return values


def _from_decimals(schema: Schema, values: pa.Array, where: str) -> pa.Array:
    try:
        return cells.parse_whole_numbers(values.cast(pa.string()))
    except cells.CellError as error:
        what = f"label {error.cell} in column {schema.target!r} {error.problem}"
        raise BadDataError(what, where=where, fix="correct the source") from None
