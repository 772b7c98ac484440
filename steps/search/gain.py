"""Whether the best trial is better than the preset: a paired bootstrap on validation rows that chose nothing.

The rows are the half of the validation rows that is held out from the search (``holdout``). So one comparison
is made, of two models that were fixed before, and the number of trials does not matter. Each sample resamples rows and
scores both models on them, so that what is hard for both cancels out. The gain is statistically significant where the
95% interval is above 0, which is a one-sided test at the 2.5% level.
``benchmarks/search_false_positives.py`` measures how often it errs, and compares it with other rules.

Source of the percentile bootstrap: Efron, Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from steps.models import scoring, training
from steps.options.tune import Objective

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from steps.search.holdout import Parts

    Labels = NDArray[np.uint8]
    Scores = NDArray[np.float32]
    Weights = NDArray[np.int64]

SAMPLES = 500
# Rows times samples that are held in memory at once.
_BLOCK = 1_000_000


@dataclass(frozen=True)
class Gain:
    """The objective of the preset and of the best trial on the held-out rows, and the gain with its 95% interval.

    A gain above 0 is an improvement. The numbers are None where the held-out rows are all of one kind. ``rows`` and
    ``positive_rows`` count the held-out rows.
    """

    preset: float | None
    best: float | None
    gain: float | None
    low: float | None
    high: float | None
    rows: int
    positive_rows: int

    @property
    def significant(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.low is not None and self.low > 0

    def to_dict(self) -> dict[str, Any]:
        """Return ``preset best gain low high rows positive_rows significant`` as plain JSON values."""
        return {**asdict(self), "significant": self.significant}


def compare(labels: Parts, preset: Parts, best: Parts, objective: Objective, seed: int = 0) -> Gain:
    """Compare two models on the held-out rows; the same seed gives the same interval.

    Args:
        labels: 0 or 1, uint8.
        preset: the preset's scores of the same rows, float32.
        best: the best trial's scores of the same rows, float32.
        objective: what is compared. F1 is measured at each model's best threshold on the selection rows.
        seed: of the resampling.
    """
    held_out = np.asarray(labels.held_out)
    rows, positive = len(held_out), int(np.count_nonzero(held_out))
    if positive in {0, rows}:
        return Gain(None, None, None, None, None, rows, positive)
    first, second = (_measure(labels, scores, objective) for scores in (preset, best))
    once = np.ones((1, rows), np.int64)
    values = float(first(once)[0]), float(second(once)[0])
    differences = np.concatenate([second(weights) - first(weights) for weights in resampled(rows, seed)])
    low, high = np.percentile(objective.sign * differences, [2.5, 97.5])
    return Gain(*values, objective.sign * (values[1] - values[0]), float(low), float(high), rows, positive)


def resampled(rows: int, seed: int) -> Iterator[Weights]:
    """Yield how often each row is drawn, in blocks of samples: int64 of shape (samples, rows)."""
    random = np.random.default_rng(seed)
    size = max(1, _BLOCK // rows)
    for start in range(0, SAMPLES, size):
        count = min(size, SAMPLES - start)
        drawn = random.integers(0, rows, (count, rows)) + np.arange(count)[:, np.newaxis] * rows
        yield np.bincount(drawn.ravel(), minlength=count * rows).reshape(count, rows)


def _measure(labels: Parts, scores: Parts, objective: Objective) -> Callable[[Weights], NDArray[np.float64]]:
    """Return the function from the weights of the held-out rows to a model's objective, a value for each sample."""
    if objective is Objective.LOGLOSS:
        losses = scoring.log_losses(labels.held_out, scores.held_out)
        return lambda weights: weights @ losses / weights.sum(axis=1)
    if objective is Objective.F1:
        return _f1(labels.held_out, scores.held_out, training.best_threshold(labels.selection, scores.selection))
    return scoring.WeightedRanking(labels.held_out, scores.held_out).average_precision


def _f1(labels: Labels, scores: Scores, threshold: float) -> Callable[[Weights], NDArray[np.float64]]:
    predicted = scores.astype(np.float64) >= threshold
    hits = (predicted & (labels == 1)).astype(np.int64)
    both = predicted.astype(np.int64) + labels
    return lambda weights: 2 * (weights @ hits) / np.maximum(1, weights @ both)
