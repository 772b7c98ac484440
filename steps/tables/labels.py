"""Labels of a source: where they start counting, and their position among the schema's cover types."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steps.core.errors import BadDataError, UsageError
from steps.tables import cells, spelling
from steps.tables.spelling import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from steps.schema import Schema

MISSING = -1
# Labels that a message lists before it counts the others.
_NAMED = 20


def count(schema: Schema, batches: Iterable[pa.Array], where: str) -> Counter[object]:
    """Count the values of a target column, missing ones left out; BadDataError where it is of the wrong type."""
    counts: Counter[object] = Counter()
    for values in batches:
        for entry in pc.value_counts(_plain(schema, values, where)).to_pylist():
            if entry["values"] is not None:
                counts[entry["values"]] += entry["counts"]
    return counts


def offset(schema: Schema, found: Iterable[object], mode: str, where: str) -> int:
    """Return what to add to a source's labels to get the schema's.

    ``zero`` and ``one`` say where the source starts counting. ``auto`` takes the labels as they are, or, where the
    schema says that they may start at zero, decides by the lowest and the highest label that only one of the two
    countings has (for Covertype 0 and 7).

    Raises:
        BadDataError: ``auto``, and both occur or neither: only the user can tell.
        UsageError: ``zero`` or ``one``, and the schema's labels are strings.
    """
    labels = [cover_type.label for cover_type in schema.cover_types if isinstance(cover_type.label, int)]
    if mode != "auto":
        if not labels:
            raise UsageError(
                f"the labels of {schema.target!r} are strings, they count nothing", where=f"--labels {mode}"
            )
        return min(labels) - {"zero": 0, "one": 1}[mode]
    if not schema.labels_may_start_at_zero or not labels:
        return 0
    values = set(found)
    if not values:
        raise BadDataError(f"there is no row with a value in column {schema.target!r}", where=where, fix="give a table")
    zero, top = min(labels) - 1, max(labels)
    if (zero in values) != (top in values):
        return 1 if zero in values else 0
    have = "both occur" if zero in values else "neither occurs"
    raise BadDataError(
        f"do the labels of {schema.target!r} start at {zero} or at {zero + 1}? Of {zero} and {top} {have}",
        where=where,
        fix="say --labels zero or --labels one",
    )


def start(schema: Schema, shift: int) -> str:
    """Return in a word where a source's labels start: ``zero``, ``one``, another number, or ``names`` for strings."""
    if _are_strings(schema):
        return "names"
    lowest = min(int(cover_type.label) for cover_type in schema.cover_types) - shift
    return {0: "zero", 1: "one"}.get(lowest, str(lowest))


def codes(schema: Schema, values: pa.Array, shift: int, first_row: int, where: str) -> NDArray[np.int16]:
    """Return each label's position in ``schema.cover_types`` as int16, shape (rows,); ``MISSING`` for a missing one.

    Raises:
        BadDataError: a label is none of the schema's, the message names the row and the label; or the column's type
            is not the labels'.
    """
    plain = _plain(schema, values, where)
    labels = [cover_type.label for cover_type in schema.cover_types]
    known = [label if isinstance(label, str) else label - shift for label in labels]
    try:
        found = _positions(known, plain)
        unknown = pc.and_(found.is_null(), plain.is_valid())
        at = int(np.argmax(unknown.to_numpy(zero_copy_only=False))) if pc.any(unknown).as_py() else None
        given = None if at is None else plain[at].as_py()
    except UnicodeDecodeError:
        what = f"a value of column {schema.target!r} is not UTF-8"
        raise BadDataError(what, where=where, fix="write it again as UTF-8") from None
    if at is not None:
        what = f"label {shown(given)} in column {schema.target!r} is none of {_listed(known)}"
        raise BadDataError(what, where=f"row {first_row + at} of {where}", fix=_fix(given, known))
    return np.asarray(pc.fill_null(found, MISSING).to_numpy(zero_copy_only=False).astype(np.int16))


def _fix(given: object, known: Sequence[int | str]) -> str:
    names = [label for label in known if isinstance(label, str)]
    if not names:
        return "correct the source, or say --labels zero or --labels one"
    near = spelling.nearest(str(given), names)
    return "correct the source" if near is None else f"write it as {near!r}?"


def are_booleans(schema: Schema) -> bool:
    """Whether a schema's labels are the numbers 0 and 1, for which a column may hold false and true."""
    return {cover_type.label for cover_type in schema.cover_types} == {0, 1}


def _positions(known: list[int | str], plain: pa.Array) -> pa.Array:
    """Return each label's position among ``known`` as int32, compared exactly; null where it is none of them."""
    if not isinstance(known[0], int):
        return spelling.positions([str(label) for label in known], plain)
    # A label that the column's type cannot hold is in no row of it.
    held = {at: label for at, label in enumerate(known) if _holds(plain.type, int(label))}
    found = pc.index_in(plain, pa.array(list(held.values()), plain.type), skip_nulls=True)
    return pa.array(list(held), pa.int32()).take(found)


def _holds(kind: pa.DataType, label: int) -> bool:
    if pa.types.is_integer(kind):
        info = np.iinfo(kind.to_pandas_dtype())
        return bool(info.min <= label <= info.max)
    return int(np.dtype(kind.to_pandas_dtype()).type(label)) == label


def _listed(labels: list[int | str]) -> str:
    more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
    return ", ".join(map(shown, labels[:_NAMED])) + more


def _are_strings(schema: Schema) -> bool:
    return isinstance(schema.cover_types[0].label, str)


def _plain(schema: Schema, values: pa.Array, where: str) -> pa.Array:
    """Return labels as strings, or as integers or floats of some width, decoded and with NaN as missing."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if _are_strings(schema):
        return spelling.as_text(values, schema.target, where)
    if pa.types.is_null(values.type):
        return values.cast(pa.int64())
    if pa.types.is_boolean(values.type) and are_booleans(schema):
        return values.cast(pa.int8())
    if pa.types.is_decimal(values.type):
        return _from_decimals(schema, values, where)
    if pa.types.is_floating(values.type):
        return spelling.without_nan(values)
    if not pa.types.is_integer(values.type):
        what = f"column {schema.target!r} has type {values.type}, integers are needed"
        raise BadDataError(what, where=where, fix="convert it")
    return values


def _from_decimals(schema: Schema, values: pa.Array, where: str) -> pa.Array:
    try:
        return cells.whole_numbers(values.cast(pa.string()))
    except cells.CellError as error:
        what = f"label {error.cell} in column {schema.target!r} {error.problem}"
        raise BadDataError(what, where=where, fix="correct the source") from None
