"""Which rows of a source are used: a proportional sample with a minimum per class, and one of each duplicate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from steps.datasets import missing
from steps.tables import hashing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from steps.datasets.ingest import Batch
    from steps.options.prepare import OnMissing

    Words = NDArray[np.uint64]

# A sample is the same rows for every seed of a run: the seed's business is the split and the training.
_SEED = 0x5EED
# Rows that a sample holds of each class that has as many.
MINIMUM = 20


def allocate(counts: Sequence[int], rows: int) -> list[int]:
    """Share ``rows`` among classes with ``counts`` rows in proportion to them, but at least ``MINIMUM`` rows each.

    A class that has fewer rows than the minimum gives all it has. What the minimum adds to small classes is taken from
    the larger ones in proportion. Where ``rows`` is too small for the minimum, the minimum is an equal share.

    Args:
        counts: rows of each class.
        rows: size of the sample.

    Returns:
        The rows of each class in the sample. Their sum is ``rows``, or that of ``counts`` where it is less. Only where
        ``rows`` is less than the number of classes it is more, as every class keeps a row.
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
    """Keeps, of each class, the rows whose hashed position is smallest: one pass to :meth:`see`, one to :meth:`keep`.

    Memory is 8 bytes for each row asked for and class, whatever the table's size.
    """

    def __init__(self, rows: int, classes: int) -> None:
        self._rows = rows
        self._counts = [0] * classes
        self._smallest: list[Words] = [np.empty(0, np.uint64) for _ in range(classes)]

    def see(self, first_row: int, codes: NDArray[np.int16], kept: NDArray[np.bool_]) -> None:
        """Take note of a batch's classes; rows that are not ``kept`` do not take part."""
        hashes = hashing.hash_positions(first_row, len(codes), _SEED)
        for code in range(len(self._counts)):
            mine = hashes[(codes == code) & kept]
            self._counts[code] += len(mine)
            merged = np.concatenate([self._smallest[code], mine])
            if len(merged) > self._rows:
                merged = np.partition(merged, self._rows)[: self._rows]
            self._smallest[code] = merged

    def keep(self, first_row: int, codes: NDArray[np.int16]) -> NDArray[np.bool_]:
        """Return the mask of a batch's rows that are in the sample."""
        hashes = hashing.hash_positions(first_row, len(codes), _SEED)
        return np.asarray(hashes <= self._limits()[codes])

    def _limits(self) -> Words:
        """Return the largest hash that is still in the sample, by class."""
        shares = allocate(self._counts, self._rows)
        pairs = zip(self._smallest, shares, strict=True)
        return np.array([np.sort(smallest)[share - 1] if share else 0 for smallest, share in pairs], np.uint64)


class Selection:
    """The rows of a source that are used.

    They have no missing value that is not kept, are the first of their kind where duplicates are dropped, and are in
    the sample where there is one.
    """

    def __init__(self, on_missing: OnMissing, firsts: NDArray[np.bool_] | None = None) -> None:
        self._on_missing = on_missing
        self._firsts = firsts
        self.sample: Sample | None = None

    def unique(self, batch: Batch) -> NDArray[np.bool_]:
        """Return the mask of a batch's rows that may be used and did not occur before."""
        usable = missing.usable(batch, self._on_missing)
        if self._firsts is None:
            return usable
        return usable & self._firsts[batch.first_row : batch.first_row + len(usable)]

    def mask(self, batch: Batch, dropped: dict[str, int]) -> NDArray[np.bool_]:
        """Return the mask of a batch's rows that are used, and add the others to the counts of ``dropped``."""
        unique = self.unique(batch)
        chosen = unique if self.sample is None else unique & self.sample.keep(batch.first_row, batch.codes)
        usable = int(missing.usable(batch, self._on_missing).sum())
        dropped["missing"] += len(unique) - usable
        dropped["duplicates"] += usable - int(unique.sum())
        dropped["not_in_sample"] += int(unique.sum() - chosen.sum())
        return chosen


def first_occurrences(hashes: Iterable[Words]) -> NDArray[np.bool_]:
    """Return the mask of rows whose hash did not occur before, shape (all rows,). Memory: about 24 bytes a row."""
    everything = np.concatenate([np.empty(0, np.uint64), *hashes])
    mask = np.zeros(len(everything), bool)
    mask[np.unique(everything, return_index=True)[1]] = True
    return mask
