"""Whether the best trial beats the preset by more than chance: a paired bootstrap over the validation rows.

Every draw resamples rows and scores both models on them, so that what is hard for both cancels out. The best trial
was chosen on these same rows, as the best of many: the interval says nothing of that, and flatters it a little. The
test rows, which no search sees, have the last word.

Source of the percentile bootstrap: Efron, Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from steps import training
from steps.objective import Objective

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Labels = NDArray[np.uint8]
    Scores = NDArray[np.float32]
    Weights = NDArray[np.int64]

DRAWS = 500
_EDGE = 1e-7


@dataclass(frozen=True)
class Gain:
    """The objective of the preset and of the best trial, and the gain (above 0: better) with its 95% interval."""

    preset: float
    best: float
    gain: float
    low: float
    high: float

    @property
    def outside_noise(self) -> bool:
        """Whether the whole interval is on the better side."""
        return self.low > 0

    def to_dict(self) -> dict[str, Any]:
        """Return ``preset best gain low high outside_noise`` as plain JSON values."""
        return {**asdict(self), "outside_noise": self.outside_noise}


def compare(labels: Labels, preset: Scores, best: Scores, objective: Objective, seed: int = 0) -> Gain:
    """Compare two models' scores of the same validation rows, shape (rows,); the same seed, the same interval."""
    first, second = (_measure(labels, scores, objective) for scores in (preset, best))
    rows, random = len(labels), np.random.default_rng(seed)
    once = np.ones(rows, np.int64)
    values = first(once), second(once)
    differences = []
    for _ in range(DRAWS):
        weights = np.bincount(random.integers(0, rows, rows), minlength=rows)
        differences.append(objective.sign * (second(weights) - first(weights)))
    low, high = np.percentile(differences, [2.5, 97.5])
    return Gain(*values, objective.sign * (values[1] - values[0]), float(low), float(high))


def _measure(labels: Labels, scores: Scores, objective: Objective) -> Callable[[Weights], float]:
    """Return the function that says a model's objective, each row counted as often as its weight says."""
    if objective is Objective.LOGLOSS:
        return _log_loss(labels, scores)
    return _f1(labels, scores) if objective is Objective.F1 else _pr_auc(labels, scores)


def _log_loss(labels: Labels, scores: Scores) -> Callable[[Weights], float]:
    probability = np.clip(np.where(labels == 1, scores, 1 - scores).astype(np.float64), _EDGE, 1)
    losses = -np.log(probability)
    return lambda weights: float(weights @ losses / weights.sum())


def _f1(labels: Labels, scores: Scores) -> Callable[[Weights], float]:
    """F1 at the threshold that is best on all rows."""
    predicted = scores.astype(np.float64) >= training.best_threshold(labels, scores)
    hits = (predicted & (labels == 1)).astype(np.int64)
    both = predicted.astype(np.int64) + labels
    return lambda weights: float(2 * (weights @ hits) / max(1, weights @ both))


def _pr_auc(labels: Labels, scores: Scores) -> Callable[[Weights], float]:
    """Average precision, as scikit-learn defines it: the step function, equal scores taken together."""
    order = np.argsort(-scores, kind="stable")
    ordered, positive = scores[order], labels[order].astype(np.int64)
    ends = np.flatnonzero(np.append(ordered[:-1] != ordered[1:], True))

    def value(weights: Weights) -> float:
        counts = weights[order]
        hits = np.cumsum(counts * positive)[ends]
        said = np.cumsum(counts)[ends]
        return float(np.diff(hits, prepend=0) @ (hits / np.maximum(said, 1)) / max(1, hits[-1]))

    return value
