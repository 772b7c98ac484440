"""The metrics of test scores, with the influence of each row, and under weights of the rows.

| metric | of | definition |
|---|---|---|
| ``f1`` | each model | F1 at the model's own threshold |
| ``pr_auc`` | each model | average precision of the scores before calibration |
| ``accuracy`` | all models | share of rows whose highest score is that of their cover type |
| ``macro_f1`` | all models | mean of the F1 of the models |
| ``log_loss`` | all models | mean of -log of the calibrated probability that ``predict`` gives the row's cover type |

The definitions are those of ``steps.models``. The influence of a row is the derivative of the metric by the number of
times that the row counts. All metrics are smooth in these numbers, so the influences give the variance and the
covariance of metrics in the limit of many rows (the infinitesimal jackknife: B. Efron (1982), "The Jackknife, the
Bootstrap and Other Resampling Plans", chapter 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from steps.comparison.score_table import BLOCK
from steps.models import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from steps.comparison.score_table import TestScores

    Floats = NDArray[np.float64]
    Weights = NDArray[np.float64]

F1, PR_AUC, ACCURACY, MACRO_F1, LOG_LOSS = "f1", "pr_auc", "accuracy", "macro_f1", "log_loss"
OF_EACH_MODEL = (F1, PR_AUC)
OF_ALL_MODELS = (ACCURACY, MACRO_F1, LOG_LOSS)
# The smallest probability in a log loss, as in ``metrics.log_losses``.
_SMALLEST = 1e-7


@dataclass(frozen=True)
class Measure:
    """A metric of one version.

    Attributes:
        metric: The name of the metric.
        cover_type: The slug; None for a metric of all models.
        positive: The number of positive rows; None for a metric of all models.
        value: The value.
        influence: The influence of each row (float64, shape (rows,)).
        weighted: Returns the metric for weights of the rows (float64, shape (samples, rows)) as float64, shape
            (samples,).
    """

    metric: str
    cover_type: str | None
    positive: int | None
    value: float
    influence: Floats
    weighted: Callable[[Weights], Floats]


def measure(scores: TestScores, names: tuple[str, ...] | None = None) -> Iterator[Measure]:
    """Yield the metrics of a version, in the order of the table above.

    A cover type without a positive row has no metrics. Metrics of all models are defined if the scores are complete.

    Args:
        scores: The scores.
        names: The metrics to compute; None for all.
    """
    wanted = (*OF_EACH_MODEL, *OF_ALL_MODELS) if names is None else names
    if F1 in wanted or (MACRO_F1 in wanted and scores.complete):
        yield from _f1_measures(scores, wanted)
    if PR_AUC in wanted:
        yield from _pr_auc_measures(scores)
    if scores.complete and ACCURACY in wanted:
        yield _mean(ACCURACY, scores.find_right().astype(np.float64))
    if scores.complete and LOG_LOSS in wanted:
        yield _mean(LOG_LOSS, log_losses(scores))


def log_losses(scores: TestScores) -> Floats:
    """Return -log of the calibrated probability of each row's cover type (float64, shape (rows,))."""
    losses = np.empty(len(scores.rows))
    calibrations = np.array(scores.calibrations)
    for start in range(0, len(losses), BLOCK):
        part = slice(start, start + BLOCK)
        probabilities = metrics.calibrate(scores.scores[:, part], calibrations)
        own = np.take_along_axis(probabilities, scores.truth[np.newaxis, part], axis=0)[0]
        losses[part] = -np.log(np.clip(own, _SMALLEST, 1))
    return losses


def _mean(name: str, values: Floats) -> Measure:
    value = float(values.mean())
    influence = values - value
    influence /= len(values)
    return Measure(name, None, None, value, influence, lambda weights: weights @ values / weights.sum(axis=1))


def _f1_measures(scores: TestScores, wanted: tuple[str, ...]) -> Iterator[Measure]:
    """Yield the F1 of each model, and macro F1, which is the mean over all models as in ``multiclass.macro_f1``."""
    of_each: list[Callable[[Weights], Floats]] = []
    total, influence = 0.0, np.zeros(len(scores.rows))
    for at, slug in enumerate(scores.slugs):
        one = _f1(scores, at, slug)
        total += one.value
        influence += one.influence
        of_each.append(one.weighted)
        if F1 in wanted and one.positive:
            yield one
        del one  # its influences would stay in memory beside those of the next one
    if MACRO_F1 in wanted and scores.complete:
        influence /= len(of_each)
        yield Measure(
            MACRO_F1,
            None,
            None,
            total / len(of_each),
            influence,
            lambda weights: np.mean([weighted(weights) for weighted in of_each], axis=0),
        )


def _f1(scores: TestScores, at: int, slug: str) -> Measure:
    hits, both = _count_hits(scores, at)
    size = max(int(both.sum(dtype=np.int64)), 1)
    value = 2 * int(hits.sum()) / size

    def weighted(weights: Weights) -> Floats:
        # Counted again: the arrays of all models would otherwise stay in memory for macro F1.
        found = tuple(weights @ each.astype(np.float64) for each in _count_hits(scores, at))
        return np.asarray(2 * found[0] / np.maximum(found[1], 1))

    influence: Floats = np.multiply(2.0, hits, dtype=np.float64)
    influence -= value * both
    influence /= size
    return Measure(F1, slug, int(np.count_nonzero(scores.truth == at)), value, influence, weighted)


def _count_hits(scores: TestScores, at: int) -> tuple[NDArray[np.bool_], NDArray[np.int8]]:
    """Return whether a model is right about each positive row, and how many of label and prediction are positive."""
    labels = scores.truth == at
    # The threshold is a Python float: NumPy then compares in float32, exactly as evaluate did.
    predicted = scores.scores[at] >= scores.thresholds[at]
    return labels & predicted, labels.astype(np.int8) + predicted


def _pr_auc_measures(scores: TestScores) -> Iterator[Measure]:
    for at, slug in enumerate(scores.slugs):
        labels = (scores.truth == at).astype(np.uint8)
        positive = int(labels.sum())
        if positive:
            value, influence = metrics.average_precision_influence(labels, scores.scores[at])
            ranking = _LazyRanking(labels, scores.scores[at])
            yield Measure(PR_AUC, slug, positive, value, influence, ranking.average_precision)


class _LazyRanking:
    """Sorts the rows when the first weights come, because a comparison of many rows has none."""

    def __init__(self, labels: NDArray[np.uint8], scores: NDArray[np.float32]) -> None:
        self._labels, self._scores = labels, scores
        self._ranking: metrics.WeightedRanking | None = None

    def average_precision(self, weights: Weights) -> Floats:
        self._ranking = self._ranking or metrics.WeightedRanking(self._labels, self._scores)
        return self._ranking.average_precision(weights)
