"""Metrics of one binary classifier on held-out rows, each with a 95% confidence interval.

| metric | interval |
|---|---|
| accuracy, precision, recall | Wilson score (Wilson 1927, JASA 22) |
| F1 | percentile bootstrap of the confusion counts, equal to resampling rows because F1 depends on the counts only |
| ROC-AUC | DeLong, DeLong, Clarke-Pearson 1988 (Biometrics 44), on the logit scale |
| PR-AUC (average precision) | logit interval of Boyd, Eng, Page 2013 (ECML PKDD), n = number of positive rows |
| log loss, Brier score | normal, from the standard error of the mean |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit
from scipy.stats import binomtest, norm, rankdata

from steps.models.metrics import average_precision, log_losses

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Labels = NDArray[np.uint8]
    Scores = NDArray[np.float32]

_CONFIDENCE = 0.95
Z = float(norm.ppf((1 + _CONFIDENCE) / 2))
RESAMPLES = 2000
_EDGE = 1e-7


@dataclass(frozen=True)
class Estimate:
    """The value of a metric and the ends of its 95% interval. All are None if the metric is not defined."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def to_dict(self) -> dict[str, float | None]:
        """Return ``value low high`` as plain JSON values."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Confusion:
    """Counts of true positives, false positives, false negatives and true negatives."""

    tp: int
    fp: int
    fn: int
    tn: int

    @staticmethod
    def of(labels: Labels, predicted: NDArray[np.bool_]) -> Confusion:
        """Return the counts for labels (0 or 1, shape (rows,)) and predictions (bool, shape (rows,))."""
        positive = labels.astype(bool)
        tp, fp = int((positive & predicted).sum()), int((~positive & predicted).sum())
        fn = int(positive.sum()) - tp
        return Confusion(tp, fp, fn, len(labels) - tp - fp - fn)


def wilson(successes: int, trials: int) -> Estimate:
    """Return a proportion with its Wilson score interval; nothing where there were no trials."""
    if not trials:
        return Estimate(None)
    found = binomtest(successes, trials)
    interval = found.proportion_ci(_CONFIDENCE, method="wilson")
    return Estimate(float(found.statistic), float(interval.low), float(interval.high))


def f1(confusion: Confusion, seed: int = 0) -> Estimate:
    """Return F1 with its bootstrap interval. It is 0 if no row is predicted positive or no row is positive."""
    counts = np.array([confusion.tp, confusion.fp, confusion.fn, confusion.tn])
    total = int(counts.sum())
    draws = np.random.default_rng(seed).multinomial(total, counts / total, size=RESAMPLES)
    low, high = np.percentile(_f1(draws[:, 0], draws[:, 1], draws[:, 2]), [2.5, 97.5])
    value = float(_f1(counts[:1], counts[1:2], counts[2:3])[0])
    return Estimate(value, min(value, float(low)), max(value, float(high)))


def _f1(tp: NDArray[np.int64], fp: NDArray[np.int64], fn: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(2 * tp / np.maximum(2 * tp + fp + fn, 1))


def pr_auc(labels: Labels, scores: Scores) -> Estimate:
    """Return the average precision with its logit interval; not defined without a positive row.

    The formula is not defined for a value of 0 or 1, and not useful close to them. The interval is therefore computed
    for a value that is at least half a positive row away from 0 and 1.
    """
    positive = int(labels.sum())
    if not positive:
        return Estimate(None)
    value = average_precision(labels, scores)
    inside = _inside(value, 0.5 / positive)
    return _on_logit(value, inside, 1 / np.sqrt(positive * inside * (1 - inside)))


def roc_auc(labels: Labels, scores: Scores) -> Estimate:
    """Return the area under the ROC curve with DeLong's interval, from midranks in O(rows log rows).

    It is not defined if all rows are positive or all are negative.
    """
    positive = labels.astype(bool)
    m, n = int(positive.sum()), int((~positive).sum())
    if not (m and n):
        return Estimate(None)
    wide = scores.astype(np.float64)  # newer versions of SciPy return ranks in the dtype of the scores
    ranks = rankdata(wide)
    above = (ranks[positive] - rankdata(wide[positive])) / n
    below = 1 - (ranks[~positive] - rankdata(wide[~positive])) / m
    value = float(above.mean())
    variance = (above.var(ddof=1) if m > 1 else 0.0) / m + (below.var(ddof=1) if n > 1 else 0.0) / n
    inside = _inside(value, _EDGE)
    return _on_logit(value, inside, np.sqrt(variance) / (inside * (1 - inside)))


def _inside(value: float, margin: float) -> float:
    return min(max(value, margin), 1 - margin)


def _on_logit(value: float, inside: float, spread: float) -> Estimate:
    """Return ``value`` with the interval that is symmetric around ``inside`` on the logit scale."""
    low, high = (expit(logit(inside) + side * Z * spread) for side in (-1, 1))
    return Estimate(value, min(value, float(low)), max(value, float(high)))


def mean_loss(losses: NDArray[np.float64]) -> Estimate:
    """Return the mean of losses (float64, shape (rows,)) with its normal interval, cut at 0."""
    value = float(losses.mean())
    error = float(losses.std(ddof=1) / np.sqrt(len(losses))) if len(losses) > 1 else 0.0
    return Estimate(value, max(0.0, value - Z * error), value + Z * error)


def binary_metrics(labels: Labels, scores: Scores, threshold: float) -> tuple[dict[str, Estimate], Confusion]:
    """Return all metrics by name, and the confusion counts.

    Args:
        labels: 0 or 1, uint8, shape (rows,).
        scores: Probabilities, float32, shape (rows,).
        threshold: A row with this score or more is predicted positive.
    """
    # Compare in float64: NumPy would otherwise round the threshold to float32.
    confusion = Confusion.of(labels, scores.astype(np.float64) >= threshold)
    tp, fp, fn, tn = confusion.tp, confusion.fp, confusion.fn, confusion.tn
    squared = (scores.astype(np.float64) - labels) ** 2
    ranking: dict[str, Callable[[Labels, Scores], Estimate]] = {"pr_auc": pr_auc, "roc_auc": roc_auc}
    return {
        "accuracy": wilson(tp + tn, len(labels)),
        "f1": f1(confusion),
        "precision": wilson(tp, tp + fp),
        "recall": wilson(tp, tp + fn),
        **{name: compute(labels, scores) for name, compute in ranking.items()},
        "log_loss": mean_loss(log_losses(labels, scores)),
        "brier": mean_loss(squared),
    }, confusion
