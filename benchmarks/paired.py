"""The difference in F1 of two binary classifiers on the same rows, with a paired 95% interval.

F1 of both depends only on the numbers of rows with each outcome (label, first prediction, second prediction), which are
eight counts. Drawing the counts from a multinomial distribution is equivalent to resampling rows, and its time does not
depend on the number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

DRAWS = 10_000
_LABEL, _FIRST, _SECOND = (np.arange(8) >> 2 & 1, np.arange(8) >> 1 & 1, np.arange(8) & 1)


@dataclass(frozen=True)
class Comparison:
    """F1 of two classifiers, and the 95% interval of the difference."""

    positive: int
    first: float
    second: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """F1 of the first minus F1 of the second."""
        return self.first - self.second


def outcome_counts(labels: ArrayLike, first: ArrayLike, second: ArrayLike) -> NDArray[np.int64]:
    """Return the number of rows with each outcome, int64 of shape (8,), from 0/1 arrays of shape (rows,).

    The position is 4 label + 2 first + second.
    """
    bits = (np.asarray(values).astype(np.int64) for values in (labels, first, second))
    label, one, other = bits
    return np.bincount(4 * label + 2 * one + other, minlength=8)


def f1(counts: NDArray[np.int64], said: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return F1 of each table of outcomes (shape (..., 8)); ``said`` are the predictions for the eight outcomes."""
    tp = counts @ (_LABEL * said)
    wrong = counts @ (_LABEL ^ said)
    return np.asarray(2 * tp / np.maximum(2 * tp + wrong, 1))


def compare(counts: NDArray[np.int64], seed: int = 0) -> Comparison:
    """Return F1 of both and the percentile bootstrap interval of the difference, which depends on the seed."""
    total = int(counts.sum())
    draws = np.random.default_rng(seed).multinomial(total, counts / total, size=DRAWS)
    low, high = np.percentile(f1(draws, _FIRST) - f1(draws, _SECOND), [2.5, 97.5])
    first, second = (float(f1(counts, said)) for said in (_FIRST, _SECOND))
    return Comparison(int(counts @ _LABEL), first, second, float(low), float(high))
