"""The measures that trials, learning curves, gains and metrics share, so that each has one definition.

PR-AUC is the average precision: the mean, over the positive rows, of the precision at their score. XGBoost's ``aucpr``
interpolates between these points, gives another number, and takes longer to compute.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Labels = NDArray[np.uint8]
    Scores = NDArray[np.float32]
    Counts = NDArray[np.int64]

# The smallest distance of a probability from 0 and 1 in a log loss, which is infinite there.
_EDGE = 1e-7
# The largest number of steps of Newton's method in a calibration; five to ten are needed.
_NEWTON_STEPS = 50


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

    def average_precision(self, weights: Counts | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the average precision for each weighting (float64, shape (samples,)), 0 without a positive row.

        Args:
            weights: The number of times that each row counts, int64 or float64, shape (samples, rows).
        """
        counts = weights[:, self._order]
        gained = counts[:, self._positive]
        hits = np.cumsum(gained, axis=1)[:, self._hits - 1]
        predicted = np.cumsum(counts, axis=1)[:, self._predicted - 1]
        total = np.maximum(gained.sum(axis=1), 1)
        return np.asarray((gained * hits / np.maximum(predicted, 1)).sum(axis=1) / total)


def average_precision_influence(labels: Labels, scores: Scores) -> tuple[float, NDArray[np.float64]]:
    """Return the average precision, and the influence of each row on it (float64, shape (rows,)).

    The influence is the derivative of the average precision by the number of times that the row counts. The influences
    sum to 0, and the sum of their squares is the variance of the average precision in the infinitesimal jackknife.

    With H(s) positive rows and T(s) rows at or above score s, the average precision is the sum of H/T over the P
    positive rows, divided by P. A row with score s adds 1/T to each positive row with a score of at most s if it is
    positive, and takes H/T² from it. As a positive row it adds its own term H(s)/T(s), and 1 to P.

    Source: B. Efron (1982), "The Jackknife, the Bootstrap and Other Resampling Plans", chapter 6.

    Args:
        labels: As for :func:`average_precision`, with a positive row.
        scores: As for :func:`average_precision`.
    """
    positive = labels == 1
    hits, predicted = (each[::-1] for each in _counts_at_positives(labels, scores))  # lowest score first
    precision = hits / predicted
    gained = np.concatenate([[0.0], np.cumsum(1 / predicted)])
    lost = np.concatenate([[0.0], np.cumsum(precision / predicted)])
    ranked = np.sort(scores[positive])
    below = np.searchsorted(ranked, scores, side="right")
    influence = lost[below]
    np.negative(influence, out=influence)
    of_positive = below[positive]
    value = float(precision.mean())
    influence[positive] += precision[of_positive - 1] + gained[of_positive] - value
    influence /= len(hits)
    return value, influence


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


def fit_calibration(labels: NDArray[np.uint8], scores: NDArray[np.float32]) -> tuple[float, float]:
    """Return slope and intercept that make scores calibrated: 1 / (1 + exp(-(slope * logit(score) + intercept))).

    Both are rounded to six digits, so that they do not depend on the last bits of a processor's exponential function.

    Source: J. Platt, Probabilistic Outputs for Support Vector Machines, 1999, with the targets that he gives there.

    Args:
        labels: 0 or 1, uint8, shape (rows,), of rows that the booster was not trained on.
        scores: Probabilities, float32, shape (rows,).
    """
    logits = to_logits(scores)
    positive = int(labels.sum())
    targets = np.where(labels == 1, (positive + 1) / (positive + 2), 1 / (len(labels) - positive + 2))
    weights = np.array([1.0, 0.0])
    columns = np.stack([logits, np.ones_like(logits)])
    for _ in range(_NEWTON_STEPS):
        probabilities = 1 / (1 + np.exp(-(weights @ columns)))
        gradient = columns @ (targets - probabilities)
        curvature = (columns * (probabilities * (1 - probabilities))) @ columns.T + np.eye(2) * 1e-9
        step = np.linalg.solve(curvature, gradient)
        weights += np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-9:  # noqa: PLR2004 - three digits more than are kept
            break
    return round(float(weights[0]), 6), round(float(weights[1]), 6)


def to_logits(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the logits of scores, float64 of the same shape; those of 0 and 1 are the ones nearest to them."""
    clipped = np.clip(scores.astype(np.float64), 1e-9, 1 - 1e-7)
    return np.log(clipped / (1 - clipped))


def calibrate(scores: NDArray[np.float32], calibrations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the calibrated probability of each cover type: the share of its calibrated score in their sum.

    Source: B. Zadrozny and C. Elkan, Transforming Classifier Scores into Accurate Multiclass Probability Estimates,
    2002 (normalisation of one-vs-rest scores).

    Args:
        scores: The scores, float32, shape (models, rows).
        calibrations: Slope and intercept of each model, float64, shape (models, 2).

    Returns:
        float64, shape (models, rows); each column sums to 1.
    """
    logits = calibrations[:, :1] * to_logits(scores) + calibrations[:, 1:]
    calibrated = 1 / (1 + np.exp(-logits))
    # NumPy adds the values of a single row in another order than those of several.
    return np.asarray(calibrated / reduce(np.add, calibrated))


def calibration_of(facts: Mapping[str, Any]) -> tuple[float, float]:
    """Return slope and intercept of a model's calibration from its metadata.

    A bundle of an earlier version has none; the result for it changes nothing.
    """
    stored = facts.get("calibration") or {"slope": 1.0, "intercept": 0.0}
    return float(stored["slope"]), float(stored["intercept"])
