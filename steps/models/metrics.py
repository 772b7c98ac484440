"""The measures that trials, learning curves, gains and metrics share, so that each has one definition.

PR-AUC is the average precision: the mean, over the positive rows, of the precision at their score. XGBoost's ``aucpr``
interpolates between these points, gives another number, and takes longer to compute.
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

# The smallest distance of a probability from 0 and 1 in a log loss, which is infinite there.
_EDGE = 1e-7


def average_precision(labels: Labels, scores: Scores) -> float:
    """Return the average precision (PR-AUC), NaN without a positive row.

    It equals ``sklearn.metrics.average_precision_score``.

    Args:
        labels: 0 or 1, uint8, shape (rows,).
        scores: Higher for rows that are more likely positive, float32, shape (rows,).
    """
    hits, predicted = _counts_at_positives(labels, scores)
    return float((hits / predicted).mean()) if len(hits) else math.nan


class WeightedRanking:
    """Rows sorted by score, for the average precision under many weightings of the rows.

    Args:
        labels: As for :func:`average_precision`.
        scores: As for :func:`average_precision`.
    """

    def __init__(self, labels: Labels, scores: Scores) -> None:
        self._order = np.argsort(-scores)
        self._positive = np.flatnonzero(labels[self._order] == 1)
        self._hits, self._predicted = _counts_at_positives(labels, scores)

    def average_precision(self, weights: Counts) -> NDArray[np.float64]:
        """Return the average precision for each weighting (float64, shape (samples,)), 0 without a positive row.

        Args:
            weights: The number of times that each row counts, int64, shape (samples, rows).
        """
        counts = weights[:, self._order]
        gained = counts[:, self._positive]
        hits = np.cumsum(gained, axis=1)[:, self._hits - 1]
        predicted = np.cumsum(counts, axis=1)[:, self._predicted - 1]
        total = np.maximum(gained.sum(axis=1), 1)
        return np.asarray((gained * hits / np.maximum(predicted, 1)).sum(axis=1) / total)


def _counts_at_positives(labels: Labels, scores: Scores) -> tuple[Counts, Counts]:
    """Return for each positive row the number of positive rows, and of all rows, with its score or a higher one.

    The first result is that of the positive row with the highest score.
    """
    every, positive = np.sort(scores), np.sort(scores[labels == 1])
    hits = len(positive) - np.searchsorted(positive, positive)
    predicted = len(every) - np.searchsorted(every, positive)
    return hits[::-1], predicted[::-1]


def log_losses(labels: Labels, scores: Scores) -> NDArray[np.float64]:
    """Return the log loss of each row (float64, shape (rows,)).

    Probabilities are clipped to a distance of 1e-7 from 0 and 1; arguments as for :func:`average_precision`.
    """
    probability = np.clip(scores.astype(np.float64), _EDGE, 1 - _EDGE)
    return np.asarray(-np.log(np.where(labels == 1, probability, 1 - probability)))
