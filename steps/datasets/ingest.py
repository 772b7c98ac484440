"""A source as canonical record batches: features checked and converted, labels as positions, rows numbered."""

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
    """Rows of a source, ``n`` of them, starting at position ``first_row`` of all its files taken together.

    ``file`` is the name of the file that they are in, ``first_in_file`` their position in it: for messages.
    ``arrays`` are the feature columns in the order of the schema (nulls where a value is missing), ``codes`` each
    row's position among the schema's cover types (int16, ``labels.MISSING`` where the label is missing), ``split``
    the position among ``tables.SPLITS`` where the source has a column for it.
    """

    first_row: int
    arrays: list[pa.Array]
    codes: NDArray[np.int16]
    split: pa.Array | None
    file: str
    first_in_file: int

    def complete(self) -> NDArray[np.bool_]:
        """Return the mask of rows without a missing value."""
        mask = np.asarray(self.codes != labels.MISSING)
        for values in self.arrays:
            if values.null_count:
                mask &= values.is_valid().to_numpy(zero_copy_only=False)
        return mask

    def hashes(self) -> NDArray[np.uint64]:
        """Hash each row's features and label."""
        return hashing.hash_rows([*self.arrays, pa.array(self.codes)], len(self.codes), seed=0)


def batches(source: Source, label_offset: int) -> Iterator[Batch]:
    """Yield all rows of a source in order.

    Raises:
        BadDataError: a value or a label does not fit the schema, see ``canonical.columns`` and ``labels.codes``.
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
                canonical.columns(schema, layout, raw, at, where),
                labels.encode_labels(schema, raw.column(schema.target), label_offset, at, where),
                canonical.splits(raw, at, where) if layout.has_split else None,
                where,
                at,
            )
            first_row += raw.num_rows
