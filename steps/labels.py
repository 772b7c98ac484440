"""Labels of a source: where they start counting, and their position among the schema's cover types."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steps.errors import BadDataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from steps.schema import Schema

MISSING = -1


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
    known = [label if isinstance(label, str) else float(label) - shift for label in labels]
    found = pc.index_in(plain, pa.array(known, plain.type), skip_nulls=True)
    unknown = pc.and_(found.is_null(), plain.is_valid())
    if pc.any(unknown).as_py():
        at = int(np.argmax(unknown.to_numpy(zero_copy_only=False)))
        raise BadDataError(
            f"label {shown(plain[at].as_py())} in column {schema.target!r} is none of {', '.join(map(shown, known))}",
            where=f"row {first_row + at} of {where}",
            fix="correct the source" + ("" if _are_strings(schema) else ", or say --labels zero or --labels one"),
        )
    return np.asarray(pc.fill_null(found, MISSING).to_numpy(zero_copy_only=False).astype(np.int16))


def _are_strings(schema: Schema) -> bool:
    return isinstance(schema.cover_types[0].label, str)


def shown(value: object) -> str:
    """Return a value for a message; a whole number without the ``.0`` that it has when it comes from a CSV file."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _plain(schema: Schema, values: pa.Array, where: str) -> pa.Array:
    """Return labels as strings or as float64, whichever the schema's are, decoded and with NaN as missing."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_null(values.type):
        values = values.cast(pa.float64())
    if _are_strings(schema):
        return values.cast(pa.string())
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        raise BadDataError(
            f"column {schema.target!r} has type {values.type}, integers are needed", where=where, fix="convert it"
        )
    plain = values.cast(pa.float64(), safe=False)
    return pc.if_else(pc.is_nan(plain), pa.scalar(None, plain.type), plain)
