"""Select the rows of a source that are used: without missing values, without duplicates, and in the sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steps.datasets import missing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from steps.datasets.ingest import Batch
    from steps.datasets.sampling import Sample
    from steps.options.prepare import OnMissing


class Selection:
    """The rows of a source that are used: usable, the first of equal rows if duplicates are dropped, and in the sample.

    Args:
        on_missing: How rows with a missing value are treated.
        firsts: The result of ``duplicates.mask_first_occurrences`` if duplicates are dropped.
    """

    def __init__(self, on_missing: OnMissing, firsts: NDArray[np.bool_] | None = None) -> None:
        self._on_missing = on_missing
        self._firsts = firsts
        self.sample: Sample | None = None

    def unique_rows(self, batch: Batch) -> NDArray[np.bool_]:
        """Return which rows of a batch are usable and not dropped as duplicates (bool, shape (rows,))."""
        usable = missing.usable_rows(batch, self._on_missing)
        if self._firsts is None:
            return usable
        return usable & self._firsts[batch.first_row : batch.first_row + len(usable)]

    def mask(self, batch: Batch, dropped: dict[str, int]) -> NDArray[np.bool_]:
        """Return which rows of a batch are used (bool, shape (rows,)).

        Args:
            batch: The batch.
            dropped: The numbers of dropped rows by reason, to which those of this batch are added.
        """
        unique = self.unique_rows(batch)
        chosen = unique if self.sample is None else unique & self.sample.mask(batch.first_row, batch.codes)
        usable = int(missing.usable_rows(batch, self._on_missing).sum())
        dropped["missing"] += len(unique) - usable
        dropped["duplicates"] += usable - int(unique.sum())
        dropped["not_in_sample"] += int(unique.sum() - chosen.sum())
        return chosen
