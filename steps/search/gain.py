"""Test whether the best trial is better than the preset: a paired bootstrap on the held-out validation rows.

The search does not use these rows for any choice (see ``holdout``). The test is therefore one comparison of two fixed
models, whatever the number of trials. Each bootstrap sample evaluates both models on the same rows, so that rows that
are hard for both models cancel out. The gain is statistically significant if its 95% interval is above 0, which is a
one-sided test at the 2.5% level. ``benchmarks/search_false_positives.py`` measures its error rate, and compares it
with other tests.

Source of the percentile bootstrap: Efron, Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from steps.models import metrics, training
from steps.options.tune import Objective

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from steps.search.holdout import Parts

    Labels = NDArray[np.uint8]
    Scores = NDArray[np.float32]
    Weights = NDArray[np.int64]

# The number of bootstrap samples.
SAMPLES = 500
# The largest number of rows times samples in memory.
_BLOCK = 1_000_000


@dataclass(frozen=True)
class Gain:
    """The gain of the best trial over the preset on the held-out rows.

    All numbers but the last two are None if the held-out rows are all positive or all negative.

    Attributes:
        preset: The objective of the preset.
        best: The objective of the best trial.
        gain: The difference, positive for an improvement.
        low: The lower end of the 95% interval of the gain.
        high: The upper end.
        rows: The number of held-out rows.
        positive_rows: The number of positive held-out rows.
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
        """Whether the interval is above 0."""
        return self.low is not None and self.low > 0

    def to_dict(self) -> dict[str, Any]:
        """Return ``preset best gain low high rows positive_rows significant`` as plain JSON values."""
        return {**asdict(self), "significant": self.significant}


def compare(labels: Parts, preset: Parts, best: Parts, objective: Objective, seed: int = 0) -> Gain:
    """Compare two models on the held-out rows.

    Args:
        labels: 0 or 1, uint8.
        preset: The scores of the preset, float32.
        best: The scores of the best trial, float32.
        objective: The measure to compare. F1 is computed at each model's best threshold on the selection rows.
        seed: The seed of the bootstrap.
    """
    held_out = np.asarray(labels.held_out)
    rows, positive = len(held_out), int(np.count_nonzero(held_out))
    if positive in {0, rows}:
        return Gain(None, None, None, None, None, rows, positive)
    first, second = (_measure(labels, scores, objective) for scores in (preset, best))
    once = np.ones((1, rows), np.int64)
    values = float(first(once)[0]), float(second(once)[0])
    differences = np.concatenate([second(weights) - first(weights) for weights in resample_weights(rows, seed)])
    low, high = np.percentile(objective.sign * differences, [2.5, 97.5])
    return Gain(*values, objective.sign * (values[1] - values[0]), float(low), float(high), rows, positive)


def resample_weights(rows: int, seed: int) -> Iterator[Weights]:
    """Yield the number of times that each row is drawn, in blocks of samples (int64, shape (samples, rows))."""
    random = np.random.default_rng(seed)
    size = max(1, _BLOCK // rows)
    for start in range(0, SAMPLES, size):
        count = min(size, SAMPLES - start)
        drawn = random.integers(0, rows, (count, rows)) + np.arange(count)[:, np.newaxis] * rows
        yield np.bincount(drawn.ravel(), minlength=count * rows).reshape(count, rows)


def _measure(labels: Parts, scores: Parts, objective: Objective) -> Callable[[Weights], NDArray[np.float64]]:
    """Return the function from weights of the held-out rows to the objective of a model, one value per sample."""
    if objective is Objective.LOGLOSS:
        losses = metrics.log_losses(labels.held_out, scores.held_out)
        return lambda weights: weights @ losses / weights.sum(axis=1)
    if objective is Objective.F1:
        return _f1(labels.held_out, scores.held_out, training.best_threshold(labels.selection, scores.selection))
    return metrics.WeightedRanking(labels.held_out, scores.held_out).average_precision


def _f1(labels: Labels, scores: Scores, threshold: float) -> Callable[[Weights], NDArray[np.float64]]:
    predicted = scores.astype(np.float64) >= threshold
    hits = (predicted & (labels == 1)).astype(np.int64)
    both = predicted.astype(np.int64) + labels
    return lambda weights: 2 * (weights @ hits) / np.maximum(1, weights @ both)
