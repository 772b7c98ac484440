"""The categories of the scored test rows, such as the wilderness area, for metrics of the parts that they divide into.

The categories come from the features, because only these reach the step ``evaluate``: a category of the features is a
position among the categories of the training rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steps.schema import Schema

# A categorical column with more values is no slice.
MOST_VALUES = 50
PREFIX = "slice_"
_TYPE = pa.dictionary(pa.int16(), pa.string())


def slice_names(schema: Schema) -> list[str]:
    """Return the names of the categorical columns that are slices."""
    return [name for name in schema.categorical if len(schema.column(name).values) <= MOST_VALUES]


def slice_fields(schema: Schema) -> list[pa.Field]:
    """Return the Arrow fields of the slices in a table of scores: ``slice_NAME``, dictionary<int16, string>."""
    return [pa.field(f"{PREFIX}{name}", _TYPE) for name in slice_names(schema)]


def slice_columns(schema: Schema, seen: Mapping[str, Sequence[str]], batch: pa.RecordBatch) -> list[pa.Array]:
    """Return the categories of each row, in the order of :func:`slice_fields`; null for one that is missing or unseen.

    Args:
        schema: The schema of the table.
        seen: The categories of the training rows by column, in the order of their codes.
        batch: The features, with a column of codes for each categorical column, -1 for an unseen category.
    """
    return [_categories(batch.column(name), seen[name]) for name in slice_names(schema)]


def _categories(codes: pa.Array, values: Sequence[str]) -> pa.Array:
    positions = codes.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int16)
    return pa.DictionaryArray.from_arrays(pa.array(positions, mask=positions < 0), pa.array(values, pa.string()))
