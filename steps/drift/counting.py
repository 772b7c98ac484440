"""Count the rows that are scored in the bins of the training profile, batch by batch, in constant memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from steps.drift.reference import Categorical, Numeric, Reference

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


class Counter:
    """Counts values by bin. The counts depend neither on the order of the rows nor on the batches.

    Args:
        reference: The training profile.

    Attributes:
        rows: The number of rows.
        missing: The number of missing values by column.
        counts: The number of values of each bin by column (int64). A numeric column has one bin more than the profile:
            that of the values above the largest.
        predicted: The number of rows of each predicted cover type (int64, shape (cover types,)).
    """

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self.rows = 0
        self.missing = dict.fromkeys(reference.columns, 0)
        self.counts = {
            name: np.zeros(len(column.counts) + isinstance(column, Numeric), np.int64)
            for name, column in reference.columns.items()
        }
        self.predicted = np.zeros(len(reference.slugs), np.int64)

    def add(self, rows: pa.RecordBatch, predicted: NDArray[np.int64]) -> None:
        """Count rows.

        Args:
            rows: The canonical feature columns, null for a missing value.
            predicted: The position of each row's predicted cover type among those of the schema, shape (rows,).
        """
        self.rows += rows.num_rows
        self.predicted += np.bincount(predicted, minlength=len(self.predicted))
        for name, column in self.reference.columns.items():
            values = rows.column(name)
            present = values.drop_null() if values.null_count else values
            self.missing[name] += values.null_count
            if isinstance(column, Categorical):
                bins = present.indices.to_numpy()
            else:
                bins = np.searchsorted(column.upper, present.to_numpy().astype(np.float64), side="left")
            self.counts[name] += np.bincount(bins, minlength=len(self.counts[name]))
