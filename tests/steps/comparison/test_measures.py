from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, log_loss

from steps.comparison import measures
from steps.models import metrics, multiclass
from steps.models.multiclass import Joined
from tests.steps.comparison.simulated import SLUGS, simulated

if TYPE_CHECKING:
    from steps.comparison.scores import TestScores

COARSE = simulated(300, skill=0.7)
# Many equal scores, as models with few leaves have them.
COARSE = replace(COARSE, scores=np.round(COARSE.scores, 1))


@pytest.mark.parametrize("scores", [simulated(300, skill=0.7), COARSE], ids=["distinct", "ties"])
def test_values_are_those_of_scikit_learn_and_of_the_report(scores: TestScores) -> None:
    found = {(each.metric, each.cover_type): each for each in measures.measure(scores)}
    assert list(found) == [
        *(("f1", slug) for slug in SLUGS),
        ("macro_f1", None),
        *(("pr_auc", slug) for slug in SLUGS),
        ("accuracy", None),
        ("log_loss", None),
    ]
    for at, slug in enumerate(SLUGS):
        labels, own = scores.truth == at, scores.scores[at]
        assert found["f1", slug].value == pytest.approx(f1_score(labels, own >= scores.thresholds[at]))
        assert found["pr_auc", slug].value == pytest.approx(average_precision_score(labels, own))
        assert found["f1", slug].positive == labels.sum()
    joined = Joined(scores.slugs, scores.truth, scores.scores)
    assert found["accuracy", None].value == pytest.approx(multiclass.accuracy(joined).value)
    assert found["macro_f1", None].value == pytest.approx(multiclass.macro_f1(joined, scores.thresholds).value)
    probabilities = metrics.calibrate(scores.scores, np.array(scores.calibrations))
    assert found["log_loss", None].value == pytest.approx(log_loss(scores.truth, probabilities.T, labels=[0, 1, 2]))


@pytest.mark.parametrize("scores", [simulated(300, skill=0.7), COARSE], ids=["distinct", "ties"])
def test_the_influence_is_the_derivative_by_the_weight_of_a_row(scores: TestScores) -> None:
    once, step = np.ones((1, 300)), 1e-4
    for each in measures.measure(scores):
        assert each.weighted(once)[0] == pytest.approx(each.value)
        assert each.influence.sum() == pytest.approx(0, abs=1e-12)
        for row in range(0, 300, 17):
            changed = once + step * (np.arange(300) == row)
            derivative = (each.weighted(changed)[0] - each.weighted(2 * once - changed)[0]) / (2 * step)
            assert each.influence[row] == pytest.approx(derivative, abs=1e-7), each.metric


def test_a_weight_is_the_number_of_times_that_a_row_counts() -> None:
    scores = simulated(200, skill=0.7)
    times = np.random.default_rng(0).integers(0, 3, 200)
    repeated = scores.take(np.repeat(np.arange(200), times), SLUGS)
    for each, expected in zip(measures.measure(scores), measures.measure(repeated), strict=True):
        assert each.weighted(times[np.newaxis].astype(float))[0] == pytest.approx(expected.value)


def test_metrics_of_all_models_need_all_models() -> None:
    scores = simulated(200)
    some = scores.take(np.arange(200), SLUGS[:2])
    assert {each.metric for each in measures.measure(some)} == {"f1", "pr_auc"}


def test_a_cover_type_without_rows_has_no_metrics_of_its_own() -> None:
    scores = simulated(200)
    without = scores.take(np.flatnonzero(scores.truth != 1), SLUGS)
    found = list(measures.measure(without))
    assert {each.cover_type for each in found} == {"ash", "cedar", None}
    macro = next(each for each in found if each.metric == "macro_f1")
    joined = Joined(without.slugs, without.truth, without.scores)
    assert macro.value == pytest.approx(multiclass.macro_f1(joined, without.thresholds).value)


def test_only_wanted_metrics_are_computed() -> None:
    assert [each.metric for each in measures.measure(simulated(), ("accuracy",))] == ["accuracy"]
    assert [each.metric for each in measures.measure(simulated(), ("macro_f1",))] == ["macro_f1"]
