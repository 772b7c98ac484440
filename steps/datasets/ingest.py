"""Read a source as canonical batches: features converted and checked, labels as positions, rows numbered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from steps.datasets import canonical
from steps.sources import layouts
from steps.tables import hashing, labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from steps.sources.files import Source


@dataclass(frozen=True)
class Batch:
    """Consecutive rows of a source.

    Attributes:
        first_row: The position of the first row in the source.
        arrays: The feature columns in the order of the schema, null for a missing value.
        codes: The position of each row's label among the cover types (int16, shape (rows,)), ``labels.MISSING`` for a
            missing label.
        split: The position of each row's part in ``tables.SPLITS`` (int8), None if the source has no such column.
        file: The name of the file that the rows are in, for error messages.
        first_in_file: The position of the first row in this file, for error messages.
    """

    first_row: int
    arrays: list[pa.Array]
    codes: NDArray[np.int16]
    split: pa.Array | None
    file: str
    first_in_file: int

    def complete_rows(self) -> NDArray[np.bool_]:
        """Return which rows have no missing value (bool, shape (rows,))."""
        mask = np.asarray(self.codes != labels.MISSING)
        for values in self.arrays:
            if values.null_count:
                mask &= values.is_valid().to_numpy(zero_copy_only=False)
        return mask

    def row_hashes(self) -> NDArray[np.uint64]:
        """Return a hash of each row's features and label (uint64, shape (rows,))."""
        return hashing.hash_rows([*self.arrays, pa.array(self.codes)], len(self.codes), seed=0)


def read_batches(source: Source, label_offset: int) -> Iterator[Batch]:
    """Yield all rows of a source in order.

    Args:
        source: The source.
        label_offset: The result of ``labels.find_offset``.

    Raises:
        BadDataError: A value or a label does not fit the schema.
    """
    schema, layout = source.schema, source.layout
    columns = [*layouts.source_columns(schema, layout), schema.target]
    first_row = 0
    for file in source.files:
        where, start = file.name, first_row
        for raw in file.batches(columns):
            at = first_row - start
            yield Batch(
                first_row,
                canonical.canonical_columns(schema, layout, raw, at, where),
                labels.encode_labels(schema, raw.column(schema.target), label_offset, at, where),
                canonical.encode_splits(raw, at, where) if layout.has_split else None,
                where,
                at,
            )
            first_row += raw.num_rows
