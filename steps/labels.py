"""Labels of a source: where they start counting, and their position among the schema's cover types."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steps.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from steps.schema import Schema

MODES = ("auto", "zero", "one")
MISSING = -1


def count(batches: Iterable[pa.Array]) -> Counter[object]:
    """Count the values of a target column, missing ones left out."""
    counts: Counter[object] = Counter()
    for values in batches:
        for entry in pc.value_counts(_plain(values)).to_pylist():
            if entry["values"] is not None:
                counts[entry["values"]] += entry["counts"]
    return counts


def offset(schema: Schema, found: Iterable[object], mode: str, where: str) -> int:
    """Return what to add to a source's labels to get the schema's: 0, or 1 where the source starts at zero.

    ``auto`` decides by the lowest and the highest label that only one of the two countings has (for Covertype 0 and 7).

    Raises:
        BadDataError: ``auto``, and both occur or neither: only the user can tell.
    """
    labels = [cover_type.label for cover_type in schema.cover_types if isinstance(cover_type.label, int)]
    if mode != "auto" or not schema.labels_may_start_at_zero or not labels:
        return 1 if mode == "zero" else 0
    values = set(found)
    zero, top = min(labels) - 1, max(labels)
    if (zero in values) != (top in values):
        return 1 if zero in values else 0
    have = "both occur" if zero in values else "neither occurs"
    raise BadDataError(
        f"do the labels of {schema.target!r} start at {zero} or at {zero + 1}? Of {zero} and {top} {have}",
        where=where,
        fix="say --labels zero or --labels one",
    )


def codes(schema: Schema, values: pa.Array, shift: int, first_row: int, where: str) -> NDArray[np.int16]:
    """Return each label's position in ``schema.cover_types`` as int16, shape (rows,); ``MISSING`` for a missing one.

    Raises:
        BadDataError: a label is none of the schema's; the message names the row and the label.
    """
    plain = _plain(values)
    known = [cover_type.label for cover_type in schema.cover_types]
    if isinstance(known[0], str):
        found = pc.index_in(plain.cast(pa.string()), pa.array(known, pa.string()), skip_nulls=True)
    else:
        if not (pa.types.is_integer(plain.type) or pa.types.is_floating(plain.type)):
            raise BadDataError(f"column {schema.target!r} has type {plain.type}, integers are needed", where=where)
        expected = pa.array([float(label) - shift for label in known])
        found = pc.index_in(plain.cast(pa.float64()), expected, skip_nulls=True)
    unknown = pc.and_(found.is_null(), plain.is_valid())
    if pc.any(unknown).as_py():
        at = int(np.argmax(unknown.to_numpy(zero_copy_only=False)))
        allowed = ", ".join(str(label if isinstance(label, str) else label - shift) for label in known)
        raise BadDataError(
            f"label {plain[at]} in column {schema.target!r} is none of {allowed}",
            where=f"row {first_row + at} of {where}",
            fix="correct the source, or say --labels zero or --labels one",
        )
    return np.asarray(pc.fill_null(found, MISSING).to_numpy(zero_copy_only=False).astype(np.int16))


def _plain(values: pa.Array) -> pa.Array:
    """Return the values decoded, with NaN as missing."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    return values
