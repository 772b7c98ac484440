"""The measures of a model's scores that trials, learning curves, gains and metrics share: one definition for each name.

PR-AUC is the average precision: the mean over the positive rows of the precision at their score. XGBoost's ``aucpr``
interpolates between these points, which gives another number and takes longer to compute.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Labels = NDArray[np.uint8]
    Scores = NDArray[np.float32]
    Counts = NDArray[np.int64]

# Probabilities are kept this far from 0 and 1 in a log loss, which is infinite there.
_EDGE = 1e-7


def average_precision(labels: Labels, scores: Scores) -> float:
    """Return the average precision (PR-AUC); NaN without a positive row.

    It is the value of ``sklearn.metrics.average_precision_score``.

    Args:
        labels: 0 or 1, shape (rows,).
        scores: higher for rows that are more likely positive, shape (rows,).
    """
    hits, predicted = _counts_at_positives(labels, scores)
    return float((hits / predicted).mean()) if len(hits) else math.nan


class WeightedRanking:
    """Rows sorted by score once, for the average precision under many weightings of the rows."""

    def __init__(self, labels: Labels, scores: Scores) -> None:
        """Sort the rows; arguments as of :func:`average_precision`."""
        self._order = np.argsort(-scores)
        self._positive = np.flatnonzero(labels[self._order] == 1)
        self._hits, self._predicted = _counts_at_positives(labels, scores)

    def average_precision(self, weights: Counts) -> NDArray[np.float64]:
        """Return the average precision of each weighting, 0 where no positive row counts: float64, shape (samples,).

        Args:
            weights: how often each row counts, shape (samples, rows).
        """
        counts = weights[:, self._order]
        gained = counts[:, self._positive]
        hits = np.cumsum(gained, axis=1)[:, self._hits - 1]
        predicted = np.cumsum(counts, axis=1)[:, self._predicted - 1]
        total = np.maximum(gained.sum(axis=1), 1)
        return np.asarray((gained * hits / np.maximum(predicted, 1)).sum(axis=1) / total)


def _counts_at_positives(labels: Labels, scores: Scores) -> tuple[Counts, Counts]:
    """Return for each positive row how many positive rows and how many rows have its score or more, highest first."""
    every, positive = np.sort(scores), np.sort(scores[labels == 1])
    hits = len(positive) - np.searchsorted(positive, positive)
    predicted = len(every) - np.searchsorted(every, positive)
    return hits[::-1], predicted[::-1]


def log_losses(labels: Labels, scores: Scores) -> NDArray[np.float64]:
    """Return each row's log loss, probabilities kept 1e-7 away from 0 and 1."""
    probability = np.clip(scores.astype(np.float64), _EDGE, 1 - _EDGE)
    return np.asarray(-np.log(np.where(labels == 1, probability, 1 - probability)))
