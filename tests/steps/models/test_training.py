from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps import prepare
from steps.core.errors import UsageError
from steps.datasets.one_vs_rest import Options
from steps.models import intervals, matrix, metrics, training
from steps.models.training import LearningCurve, Matrices
from steps.options.train import GrowPolicy, Hyperparameters
from tests.support import SCHEMA, Chain

SAMPLED = Hyperparameters(
    rounds=8, subsample=0.7, colsample_bytree=0.8, colsample_bylevel=0.9, colsample_bynode=0.5, evaluate_every=2
)


def matrices_of(chain: Chain, threads: int = 1, max_bin: int = 256) -> Matrices:
    first = matrix.quantise(chain["train_features"], max_bin=max_bin, threads=threads)
    second = matrix.quantise(chain["validation_features"], max_bin=max_bin, threads=threads, reference=first)
    return Matrices(first, second)


def trained(chain: Chain, parameters: Hyperparameters, seed: int = 0, threads: int = 1) -> bytes:
    booster, _ = training.train(matrices_of(chain, threads), parameters, seed=seed, threads=threads)
    return bytes(booster.save_raw("ubj"))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """Features of 40,000 rows: XGBoost shares out blocks of 2,048 rows, so that a small table keeps one thread busy."""
    folder = tmp_path_factory.mktemp("large")
    made = Chain(folder)
    prepare.prepare("builtin:", SCHEMA, {"aspen": made["dataset"]}, Options(rows=40_000))
    made.split()
    made.preprocess()
    return made


@pytest.mark.parametrize("grow_policy", ["depthwise", "lossguide"])
def test_threads_do_not_change_the_model(large: Chain, grow_policy: str) -> None:
    # Few and small trees: more threads than cores wait for each other at every node.
    parameters = replace(SAMPLED, grow_policy=GrowPolicy(grow_policy), rounds=3, max_depth=5, max_leaves=16)
    models = [trained(large, parameters, threads=threads) for threads in (1, 1, 2, 3, 4)]
    assert all(model == models[0] for model in models)


def test_the_seed_changes_the_model(chain: Chain) -> None:
    assert trained(chain, SAMPLED, seed=1) != trained(chain, SAMPLED, seed=2)


def test_early_stopping_cuts_to_the_best_round(chain: Chain) -> None:
    parameters = Hyperparameters(
        rounds=400, learning_rate=1.0, max_depth=8, min_child_weight=0, early_stopping=6, evaluate_every=2
    )
    matrices = matrices_of(chain)
    booster, curve = training.train(matrices, parameters, seed=0, threads=1)
    scores = curve.values["validation"]["pr_auc"]
    assert curve.rounds[-1] < 400
    assert curve.rounds[-1] - curve.best_rounds == 6
    assert booster.num_boosted_rounds() == curve.best_rounds == curve.rounds[scores.index(max(scores))]
    short, _ = training.train(
        matrices, replace(parameters, rounds=curve.best_rounds, early_stopping=0), seed=0, threads=1
    )
    np.testing.assert_array_equal(short.predict(matrices.validation), booster.predict(matrices.validation))


def test_the_curve_is_what_the_model_scores(chain: Chain) -> None:
    matrices, seen = matrices_of(chain), []
    parameters = Hyperparameters(rounds=5, evaluate_every=3)
    booster, curve = training.train(
        matrices, parameters, seed=0, threads=1, progress=lambda done, total: seen.append((done, total))
    )
    assert curve.rounds == [3, 5]
    assert seen == [(3, 5), (5, 5)]
    labels = matrices.validation.get_label().astype("u1")
    losses = metrics.log_losses(labels, booster.predict(matrices.validation))
    assert curve.values["validation"]["logloss"][-1] == pytest.approx(losses.mean(), abs=1e-5)
    assert (
        curve.values["validation"]["pr_auc"][-1] == intervals.pr_auc(labels, booster.predict(matrices.validation)).value
    )
    assert set(curve.to_dict()) == {"rounds", "train", "validation"}


def test_the_first_of_equal_rounds_is_the_best() -> None:
    curve = LearningCurve([2, 4, 6])
    curve.values["validation"]["pr_auc"] = [0.5, 0.7, 0.7]
    assert curve.best_rounds == 4


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (Hyperparameters(gamma=-1), "value -1 for Parameter min_split_loss should be greater"),
        (Hyperparameters(grow_policy=cast("GrowPolicy", "best")), "Invalid Input: 'best'"),
        (Hyperparameters(max_bin=64), "Inconsistent `max_bin`"),
    ],
)
def test_what_xgboost_refuses_is_a_usage_error(chain: Chain, parameters: Hyperparameters, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        training.train(matrices_of(chain), parameters, seed=0, threads=1)


def test_the_cpu_is_there() -> None:
    assert training.has_device("cpu")


@pytest.mark.skipif(training.has_device("cuda"), reason="there is a GPU")
def test_a_device_that_is_not_there_is_refused(chain: Chain) -> None:
    with pytest.raises(UsageError, match="XGBoost finds no such device, in --device cuda"):
        training.train(matrices_of(chain), SAMPLED, seed=0, threads=1, device="cuda")


SCORES = st.integers(0, 12).map(lambda i: i / 12) | st.floats(0, 1, width=32)
SCORED = st.lists(st.tuples(st.booleans(), SCORES), min_size=1, max_size=40)


def f1_at(labels: np.ndarray, scores: np.ndarray, threshold: float) -> float:
    confusion = intervals.Confusion.of(labels, scores.astype(np.float64) >= threshold)
    return 2 * confusion.tp / max(1, 2 * confusion.tp + confusion.fp + confusion.fn)


@given(SCORED.filter(lambda rows: any(label for label, _ in rows)))
def test_best_threshold_is_the_best_of_all(rows: list[tuple[bool, float]]) -> None:
    labels = np.array([label for label, _ in rows], np.uint8)
    scores = np.array([score for _, score in rows], np.float32)
    threshold = training.best_threshold(labels, scores)
    best = max(f1_at(labels, scores, float(candidate)) for candidate in scores)
    assert f1_at(labels, scores, threshold) == pytest.approx(best)
    assert 0 <= threshold <= 1
    assert float(np.float32(threshold)) == threshold
    found, _ = intervals.binary_metrics(labels, scores, threshold)
    assert found["f1"].value == pytest.approx(best)


def test_the_threshold_is_half_way() -> None:
    assert training.best_threshold(np.array([0, 1], np.uint8), np.array([0.25, 0.75], np.float32)) == 0.5


def test_the_threshold_parts_neighbours_of_float32() -> None:
    low = np.float32(0.3)
    for _ in range(3):
        high = np.nextafter(low, np.float32(1))
        threshold = training.best_threshold(np.array([0, 1], np.uint8), np.array([low, high]))
        assert float(low) < threshold <= float(high)
        low = high


def test_the_best_round_of_a_curve_is_by_its_metric() -> None:
    values = {"validation": {"pr_auc": [0.5, 0.9, 0.7], "logloss": [0.3, 0.4, 0.2], "f1": [0.6, 0.5, 0.4]}}
    best = {metric: training.LearningCurve([2, 4, 6], values, metric) for metric in values["validation"]}
    assert {metric: (curve.best_rounds, curve.best_value) for metric, curve in best.items()} == {
        "pr_auc": (4, 0.9),
        "logloss": (6, 0.2),
        "f1": (2, 0.6),
    }
