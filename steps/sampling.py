"""Which rows of a source are kept: a stratified sample with a floor per class, and one of each duplicate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from steps import hashing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from steps.ingest import Batch

    Words = NDArray[np.uint64]

# A sample is the same rows for every seed of a run: the seed's business is the split and the training.
_SEED = 0x5EED
_FLOOR = 20


def allocate(counts: Sequence[int], rows: int) -> list[int]:
    """Share ``rows`` among classes with ``counts`` rows: proportionally, but at least a twentieth of ``rows`` each.

    Where there are more than twenty classes the floor is an equal share. A class that has fewer rows than its floor
    gives all it has. The sum is ``rows`` or, where all classes together have fewer, their sum; only where ``rows`` is
    less than the number of classes it is more, as every class keeps a row.
    """
    if rows >= sum(counts):
        return list(counts)
    floor = max(1, rows // max(_FLOOR, len(counts)))
    floors = [min(count, floor) for count in counts]
    spare = max(0, rows - sum(floors))
    rest = [count - least for count, least in zip(counts, floors, strict=True)]
    total = max(1, sum(rest))
    shares, remainders = zip(*(divmod(spare * part, total) for part in rest), strict=True)
    largest_remainders = sorted(range(len(rest)), key=lambda i: (-remainders[i], i))[: spare - sum(shares)]
    return [floors[i] + shares[i] + (i in largest_remainders) for i in range(len(rest))]


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
    """The rows of a source that stay: complete, the first of their kind, and in the sample where there is one."""

    def __init__(self, firsts: NDArray[np.bool_] | None = None, sample: Sample | None = None) -> None:
        self._firsts = firsts
        self.sample = sample

    def unique(self, batch: Batch) -> NDArray[np.bool_]:
        """Return the mask of a batch's rows that are complete and did not occur before."""
        complete = batch.complete()
        if self._firsts is None:
            return complete
        return complete & self._firsts[batch.first_row : batch.first_row + len(complete)]

    def mask(self, batch: Batch, dropped: dict[str, int]) -> NDArray[np.bool_]:
        """Return the mask of a batch's rows that stay, and add the others to the counts of ``dropped``."""
        unique = self.unique(batch)
        chosen = unique if self.sample is None else unique & self.sample.keep(batch.first_row, batch.codes)
        complete = int(batch.complete().sum())
        dropped["missing"] += len(unique) - complete
        dropped["duplicates"] += complete - int(unique.sum())
        dropped["not_in_sample"] += int(unique.sum() - chosen.sum())
        return chosen


def first_occurrences(hashes: Iterable[Words]) -> NDArray[np.bool_]:
    """Return the mask of rows whose hash did not occur before, shape (all rows,). Memory: about 24 bytes a row."""
    everything = np.concatenate([np.empty(0, np.uint64), *hashes])
    mask = np.zeros(len(everything), bool)
    mask[np.unique(everything, return_index=True)[1]] = True
    return mask
