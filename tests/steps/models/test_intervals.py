from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from steps.models import intervals
from steps.models.intervals import Confusion, Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

Arrays = tuple[np.ndarray, np.ndarray]
# Few different scores, so that ties are common; some that are any float32.
SCORE = st.integers(0, 8).map(lambda i: i / 8) | st.floats(0, 1, width=32)
SCORED = st.lists(st.tuples(st.booleans(), SCORE), min_size=1, max_size=60)
NAMES = {"accuracy", "f1", "precision", "recall", "pr_auc", "roc_auc", "log_loss", "brier"}


def arrays(rows: list[tuple[bool, float]]) -> Arrays:
    labels, scores = zip(*rows, strict=True)
    return np.array(labels, np.uint8), np.array(scores, np.float32)


def both_kinds(rows: list[tuple[bool, float]]) -> bool:
    return len({label for label, _ in rows}) == 2


def simulated(rows: int, positives: int, seed: int = 0) -> Arrays:
    """Return labels, and scores that are informative but not perfect."""
    random = np.random.default_rng(seed)
    labels = np.zeros(rows, np.uint8)
    labels[:positives] = 1
    return labels, (1 / (1 + np.exp(1 - 2.0 * labels - random.normal(size=rows)))).astype(np.float32)


@given(SCORED.filter(both_kinds), st.floats(0, 1))
def test_values_are_scikit_learn_s(rows: list[tuple[bool, float]], threshold: float) -> None:
    labels, scores = arrays(rows)
    predicted = scores.astype(np.float64) >= threshold
    found, confusion = intervals.binary_metrics(labels, scores, threshold)
    clipped = np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7)
    expected = {
        "accuracy": reference.accuracy_score(labels, predicted),
        "f1": reference.f1_score(labels, predicted, zero_division=0),
        "recall": reference.recall_score(labels, predicted),
        "pr_auc": reference.average_precision_score(labels, scores),
        "roc_auc": reference.roc_auc_score(labels, scores),
        "log_loss": reference.log_loss(labels, clipped),
        "brier": reference.brier_score_loss(labels, scores.astype(np.float64)),
    }
    if predicted.any():
        expected["precision"] = reference.precision_score(labels, predicted)
    assert {name: found[name].value for name in expected} == pytest.approx(expected, abs=1e-9)
    tn, fp, fn, tp = reference.confusion_matrix(labels, predicted, labels=[0, 1]).ravel()
    assert confusion == Confusion(tp, fp, fn, tn)


@given(SCORED, st.floats(0, 1))
def test_intervals_contain_their_value(rows: list[tuple[bool, float]], threshold: float) -> None:
    found, _ = intervals.binary_metrics(*arrays(rows), threshold)
    assert set(found) == NAMES
    for name, estimate in found.items():
        if estimate.value is None:
            assert (estimate.low, estimate.high) == (None, None)
            continue
        assert estimate.low is not None
        assert estimate.high is not None
        assert 0 <= estimate.low <= estimate.value <= estimate.high, name
        assert name == "log_loss" or estimate.value <= 1


def test_what_is_not_defined_is_none() -> None:
    scores = np.array([0.1, 0.9], np.float32)
    none, _ = intervals.binary_metrics(np.zeros(2, np.uint8), scores, 2.0)
    assert {name for name in NAMES if none[name].value is None} == {"precision", "recall", "pr_auc", "roc_auc"}
    every, _ = intervals.binary_metrics(np.ones(2, np.uint8), scores, 0.5)
    assert {name for name in NAMES if every[name].value is None} == {"roc_auc"}
    assert none["precision"].to_dict() == {"value": None, "low": None, "high": None}


def test_perfect_scores() -> None:
    labels, _ = simulated(500, 35)
    found, _ = intervals.binary_metrics(labels, labels.astype(np.float32), 0.5)
    for name in ("accuracy", "f1", "precision", "recall", "pr_auc", "roc_auc"):
        assert found[name].value == found[name].high == 1
    # 35 positive rows do not show more than about nine tenths.
    for name in ("precision", "recall", "pr_auc"):
        low = found[name].low
        assert low is not None
        assert 0.7 < low < 0.95
    assert found["brier"].value == 0


def test_the_worst_scores() -> None:
    labels, _ = simulated(500, 35)
    found, confusion = intervals.binary_metrics(labels, 1 - labels.astype(np.float32), 0.5)
    assert (confusion.tp, confusion.tn) == (0, 0)
    assert found["roc_auc"].value == found["f1"].value == found["accuracy"].value == 0
    assert found["log_loss"].value == pytest.approx(-np.log(1e-7), rel=1e-3)


def test_no_predicted_positives() -> None:
    labels, scores = simulated(500, 35)
    found, confusion = intervals.binary_metrics(labels, scores, 1.0)
    assert (confusion.tp, confusion.fp) == (0, 0)
    assert found["precision"].value is None
    assert found["f1"] == Estimate(0.0, 0.0, 0.0)


def test_the_threshold_itself_counts_as_positive() -> None:
    scores = np.array([0.1, 0.1], np.float32)
    labels = np.array([1, 0], np.uint8)
    exact = float(scores[0])
    assert intervals.binary_metrics(labels, scores, exact)[1] == Confusion(1, 1, 0, 0)
    # 0.1 is below float32's nearest to it, the next float64 above is not reached.
    assert intervals.binary_metrics(labels, scores, np.nextafter(exact, 1))[1] == Confusion(0, 0, 1, 1)


@given(st.integers(1, 10**9), st.floats(0, 1))
@example(7, 0.0)
@example(7, 1.0)
@example(1, 1.0)
def test_wilson_is_the_formula_and_holds_the_proportion(trials: int, share: float) -> None:
    """The formula is that of Wilson (1927), "Probable inference", JASA 22."""
    successes = round(share * trials)
    found = intervals.wilson(successes, trials)
    z, p = 1.959963984540054, successes / trials
    centre, spread = p + z * z / (2 * trials), z * math.sqrt(p * (1 - p) / trials + (z / (2 * trials)) ** 2)
    ends = [(centre + side * spread) / (1 + z * z / trials) for side in (-1, 1)]
    assert found.value == p
    assert (found.low, found.high) == pytest.approx(ends, abs=1e-12)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= p <= found.high <= 1


def test_wilson_of_no_trials_is_not_defined() -> None:
    assert intervals.wilson(0, 0) == Estimate(None)


def bootstrap_ends(name: str, labels: np.ndarray, scores: np.ndarray, threshold: float) -> tuple[float, float]:
    """Return the percentile interval of a metric from 400 resamples of rows, an independent way to the same."""
    compute: Callable[..., float] = {
        "roc_auc": reference.roc_auc_score,
        "pr_auc": reference.average_precision_score,
        "f1": lambda y, s: reference.f1_score(y, s >= threshold),
        "log_loss": lambda y, s: reference.log_loss(y, s.astype(np.float64)),
        "brier": lambda y, s: reference.brier_score_loss(y, s.astype(np.float64)),
    }[name]
    random = np.random.default_rng(1)
    values = []
    for _ in range(400):
        chosen = random.integers(0, len(labels), len(labels))
        values.append(compute(labels[chosen], scores[chosen]))
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


@pytest.mark.parametrize("name", ["roc_auc", "f1", "log_loss", "brier", "pr_auc"])
def test_intervals_are_about_those_of_a_bootstrap(name: str) -> None:
    labels, scores = simulated(2000, 400)
    estimate = intervals.binary_metrics(labels, scores, 0.5)[0][name]
    low, high = bootstrap_ends(name, labels, scores, 0.5)
    assert estimate.low is not None
    assert estimate.high is not None
    # The logit interval of the PR-AUC is a conservative formula: up to half as wide again.
    slack = (0.5 if name == "pr_auc" else 0.2) * (high - low)
    assert estimate.low == pytest.approx(low, abs=slack)
    assert estimate.high == pytest.approx(high, abs=slack)


@settings(max_examples=20)
@given(SCORED.filter(both_kinds))
def test_order_of_rows_does_not_matter(rows: list[tuple[bool, float]]) -> None:
    first, second = (intervals.binary_metrics(*arrays(each), 0.5)[0] for each in (rows, rows[::-1]))
    for name in NAMES:
        assert first[name].value == pytest.approx(second[name].value, nan_ok=False)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    truth = intervals.roc_auc(*simulated(200_000, 40_000, seed=99)).value
    assert truth is not None
    found = [intervals.roc_auc(*simulated(400, 80, seed=seed)) for seed in range(200)]
    covered = sum((e.low or 0) <= truth <= (e.high or 0) for e in found)
    assert 180 <= covered <= 199  # 190 expected, standard deviation 3
