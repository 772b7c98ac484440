"""Draw a proportional sample of the rows of a source, with a minimum of rows per class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from steps.tables import hashing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Words = NDArray[np.uint64]

# A constant: the seed of a run changes the split and the training, but not the sample.
_SEED = 0x5EED
# The smallest number of rows of a class in a sample, if the class has as many.
MINIMUM = 20


def allocate_rows(counts: Sequence[int], rows: int) -> list[int]:
    """Distribute the rows of a sample among classes in proportion to their sizes, but at least ``MINIMUM`` rows each.

    All rows of a class with fewer rows than the minimum are in the sample. The additional rows of small classes reduce
    the shares of the larger classes in proportion. If ``rows`` is too small for the minimum, the minimum is an equal
    share.

    Args:
        counts: The number of rows of each class.
        rows: The size of the sample.

    Returns:
        The number of rows of each class in the sample. Their sum is ``rows``, or the sum of ``counts`` if that is
        smaller. It is larger than ``rows`` only if there are more classes than rows, because every class keeps a row.
    """
    if rows >= sum(counts):
        return list(counts)
    minimum = max(1, min(MINIMUM, rows // sum(count > 0 for count in counts)))
    shares = [min(count, minimum) for count in counts]
    larger, spare, total = list(range(len(counts))), rows, sum(counts)
    while small := [i for i in larger if spare * counts[i] < shares[i] * total]:
        larger = [i for i in larger if i not in small]
        spare, total = spare - sum(shares[i] for i in small), total - sum(counts[i] for i in small)
    for i in larger:
        shares[i] = spare * counts[i] // max(1, total)
    left = spare - sum(shares[i] for i in larger) if larger else 0
    for i in sorted(larger, key=lambda i: (-(spare * counts[i] % max(1, total)), i))[:left]:
        shares[i] += 1
    return shares


class Sample:
    """A sample of the rows with the smallest hashes of their positions in each class.

    It takes two passes over the table: :meth:`add` for all batches, then :meth:`mask` for all batches. Memory use is
    8 bytes for each row of the sample and each class, independent of the size of the table.

    Args:
        rows: The size of the sample.
        classes: The number of classes.
    """

    def __init__(self, rows: int, classes: int) -> None:
        self._rows = rows
        self._counts = [0] * classes
        self._smallest: list[Words] = [np.empty(0, np.uint64) for _ in range(classes)]

    def add(self, first_row: int, codes: NDArray[np.int16], candidates: NDArray[np.bool_]) -> None:
        """Add a batch in the first pass.

        Args:
            first_row: The position of the batch's first row in the table.
            codes: The class of each row (int16, shape (rows,)).
            candidates: Which rows may be in the sample (bool, shape (rows,)).
        """
        hashes = hashing.hash_positions(first_row, len(codes), _SEED)
        for code in range(len(self._counts)):
            of_class = hashes[(codes == code) & candidates]
            self._counts[code] += len(of_class)
            merged = np.concatenate([self._smallest[code], of_class])
            if len(merged) > self._rows:
                merged = np.partition(merged, self._rows)[: self._rows]
            self._smallest[code] = merged

    def mask(self, first_row: int, codes: NDArray[np.int16]) -> NDArray[np.bool_]:
        """Return which rows of a batch are in the sample (bool, shape (rows,)), in the second pass."""
        hashes = hashing.hash_positions(first_row, len(codes), _SEED)
        return np.asarray(hashes <= self._limits()[codes])

    def _limits(self) -> Words:
        """Return the largest hash in the sample for each class (uint64, shape (classes,))."""
        shares = allocate_rows(self._counts, self._rows)
        pairs = zip(self._smallest, shares, strict=True)
        return np.array([np.sort(smallest)[share - 1] if share else 0 for smallest, share in pairs], np.uint64)
