"""How often each value of a numeric column occurs, counted in bounded memory.

Values are counted as they are until there are too many different ones. Then neighbouring values share a count: each
value is known by the leading bits of its float64, of which one fewer is kept whenever there are still too many. The
result depends neither on the order of the rows nor on how they are cut into batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The largest number of counts of a column in memory.
_MOST_KEYS = 1 << 14
# The number of bins of a summary.
BINS = 128
# The largest range of whole numbers that are counted without sorting.
_SMALL_RANGE = 1 << 20
# The key of -0.0, which is counted as 0.0.
_MINUS_ZERO = np.int64(-1)
_LOW_BITS = np.int64(2**63 - 1)


class FrequencyTable:
    """Counts the values of a column."""

    def __init__(self) -> None:
        self._shift = 0
        self._highest = -np.inf
        self._keys, self._counts = np.zeros(0, np.int64), np.zeros(0, np.int64)

    def add(self, values: NDArray[Any]) -> None:
        """Count finite numbers (any numeric dtype, shape (rows,))."""
        if not len(values):
            return
        distinct, counts = _count_distinct(values)
        self._highest = max(self._highest, float(distinct[-1]))
        self._merge(_to_keys(distinct) >> self._shift, counts)
        while len(self._keys) > _MOST_KEYS:
            self._shift += 1
            self._merge(self._keys[:0], self._counts[:0], 1)

    def _merge(self, keys: NDArray[np.int64], counts: NDArray[np.int64], shift: int = 0) -> None:
        joined = np.concatenate([self._keys >> shift, keys])
        self._keys, place = np.unique(joined, return_inverse=True)
        found = np.zeros(len(self._keys), np.int64)
        np.add.at(found, place, np.concatenate([self._counts, counts]))
        self._counts = found

    def summary(self, bins: int = BINS) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return bins with about equal numbers of values.

        Args:
            bins: The largest number of bins. A frequent value fills a bin of its own.

        Returns:
            The largest value of each bin (float64, ascending) and its number of values (int64), shape (bins,).
        """
        total = int(self._counts.sum())
        if not total:
            return np.zeros(0), np.zeros(0, np.int64)
        before = np.cumsum(self._counts) - self._counts
        slots = before * bins // total
        last = np.append(slots[1:] != slots[:-1], True)
        ends = np.flatnonzero(last)
        keys = (self._keys[ends] << self._shift) | np.int64((1 << self._shift) - 1)
        upper = _to_values(np.where(keys == _MINUS_ZERO, _MINUS_ZERO - 1, keys))
        upper = np.fmin(upper, self._highest)  # the bits that are not kept would make it larger, or even infinite
        return upper, np.diff(np.concatenate([[0], np.cumsum(self._counts)[ends]]))


def _count_distinct(values: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the distinct values, ascending, and how often each occurs."""
    if values.dtype.kind in "iu":
        low, high = int(values.min()), int(values.max())
        if high - low < _SMALL_RANGE:
            counts = np.bincount(values.astype(np.int64) - low)
            found = np.flatnonzero(counts)
            return (found + low).astype(np.float64), counts[found]
    return np.unique(values.astype(np.float64) + 0.0, return_counts=True)  # -0.0 becomes 0.0


def _to_keys(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bits of floats as integers of the same order."""
    bits = np.ascontiguousarray(values).view(np.int64)
    return np.where(bits < 0, bits ^ _LOW_BITS, bits)


def _to_values(keys: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(keys < 0, keys ^ _LOW_BITS, keys).view(np.float64)
