"""The parts of the test rows by their categories, such as the wilderness area, for metrics of each part.

The parts come from the features, because only these reach the step ``evaluate``: a category of the features is a
position among the categories of the training rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from steps.schema import Slice
from steps.schema.slice_checks import is_reserved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steps.schema import Schema

# A column with more values than this is no slice, unless the schema says so.
MOST_VALUES = 50
# The parts of rows whose category is missing, or does not occur in the training rows.
MISSING, UNSEEN = "(missing)", "(unseen)"
_TYPE = pa.dictionary(pa.int16(), pa.string())


def slices_of(schema: Schema) -> tuple[Slice, ...]:
    """Return the slices of a schema; if it has none, one for each category of at most ``MOST_VALUES`` values."""
    if schema.slices:
        return schema.slices
    few = (name for name in schema.categorical if len(schema.column(name).values) <= MOST_VALUES)
    return tuple(Slice(name, name) for name in few if not is_reserved(name))


def slice_fields(schema: Schema) -> list[pa.Field]:
    """Return the Arrow fields of the slices: dictionary<int16, string>."""
    return [pa.field(each.name, _TYPE) for each in slices_of(schema)]


def slice_columns(schema: Schema, seen: Mapping[str, Sequence[str]], batch: pa.RecordBatch) -> list[pa.Array]:
    """Return the part of each row for every slice, in the order of :func:`slice_fields`.

    Args:
        schema: The schema of the table.
        seen: The categories of the training rows by column, in the order of their codes.
        batch: The features, with a column of codes for each categorical column.
    """
    return [_parts(each, schema, seen[each.of], batch.column(each.of)) for each in slices_of(schema)]


def part_names(schema: Schema, wanted: Slice) -> tuple[str, ...]:
    """Return the names of the parts of a slice, which the indices of its column of :func:`slice_columns` count."""
    return (*dict.fromkeys(wanted.part(value) for value in schema.column(wanted.of).values), MISSING, UNSEEN)


def _parts(wanted: Slice, schema: Schema, seen: Sequence[str], codes: pa.Array) -> pa.Array:
    names = part_names(schema, wanted)
    position = {name: i for i, name in enumerate(names)}
    of_seen = [position[wanted.part(value)] for value in seen]
    # Code -1 is a category that no training row has, and -2 stands for a missing one.
    lookup = np.array([*of_seen, position[MISSING], position[UNSEEN]], np.int16)
    indices = lookup[codes.fill_null(-2).to_numpy(zero_copy_only=False)]
    return pa.DictionaryArray.from_arrays(pa.array(indices), pa.array(names, pa.string()))
