from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import average_precision_score, log_loss

from steps.models import metrics

# Few different scores, so that many are equal.
ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=30)


@given(ROWS.filter(lambda rows: any(label for label, _ in rows)))
def test_average_precision_is_scikit_learns(rows: list[tuple[bool, int]]) -> None:
    labels = np.array([label for label, _ in rows], np.uint8)
    scores = np.array([score / 6 for _, score in rows], np.float32)
    expected = pytest.approx(average_precision_score(labels, scores), rel=1e-12)
    assert metrics.average_precision(labels, scores) == expected
    assert metrics.WeightedRanking(labels, scores).average_precision(np.ones((1, len(rows)), int))[0] == expected


@given(ROWS.filter(lambda rows: any(label for label, _ in rows)), st.data())
def test_weights_are_repeated_rows(rows: list[tuple[bool, int]], data: st.DataObject) -> None:
    labels = np.array([label for label, _ in rows], np.uint8)
    scores = np.array([score / 6 for _, score in rows], np.float32)
    counts = st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows))
    weights = np.array(data.draw(st.lists(counts, min_size=1, max_size=3)))
    for value, each in zip(metrics.WeightedRanking(labels, scores).average_precision(weights), weights, strict=True):
        repeated = np.repeat(labels, each), np.repeat(scores, each)
        expected = average_precision_score(*repeated) if repeated[0].any() else 0
        assert value == pytest.approx(expected, rel=1e-12)


def test_without_a_positive_row_there_is_no_average_precision() -> None:
    assert math.isnan(metrics.average_precision(np.zeros(3, np.uint8), np.ones(3, np.float32)))


def test_log_losses_are_scikit_learns() -> None:
    random = np.random.default_rng(0)
    labels, scores = (random.random(50) < 0.3).astype(np.uint8), random.random(50).astype(np.float32)
    assert metrics.log_losses(labels, scores).mean() == pytest.approx(log_loss(labels, scores.astype(float)))
    assert np.isfinite(metrics.log_losses(np.array([1, 0], np.uint8), np.array([0, 1], np.float32))).all()


def test_a_calibration_undoes_a_distortion() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=200_000)
    labels = (random.random(len(logits)) < 1 / (1 + np.exp(-logits))).astype(np.uint8)
    distorted = (1 / (1 + np.exp(-(3 * logits - 1)))).astype(np.float32)
    slope, intercept = metrics.fit_calibration(labels, distorted)
    assert slope == pytest.approx(1 / 3, abs=0.01)
    assert intercept == pytest.approx(1 / 3, abs=0.02)


def test_a_calibration_of_separated_rows_is_finite() -> None:
    labels = np.array([0] * 50 + [1] * 5, np.uint8)
    slope, intercept = metrics.fit_calibration(labels, labels.astype(np.float32))
    assert 0 < slope < 100
    assert math.isfinite(intercept)


@given(ROWS.filter(lambda rows: any(label for label, _ in rows)))
def test_a_calibration_keeps_the_mean(rows: list[tuple[bool, int]]) -> None:
    """The fitted probabilities sum to the targets, as the gradient is zero."""
    labels = np.array([label for label, _ in rows], np.uint8)
    scores = np.array([(score + 0.5) / 7 for _, score in rows], np.float32)
    slope, intercept = metrics.fit_calibration(labels, scores)
    found = 1 / (1 + np.exp(-(slope * metrics.to_logits(scores) + intercept)))
    positive = int(labels.sum())
    targets = positive * (positive + 1) / (positive + 2) + (len(rows) - positive) / (len(rows) - positive + 2)
    assert found.sum() == pytest.approx(targets, abs=0.01 * len(rows))


@given(arrays.arrays(np.float32, (3, 5), elements=st.floats(0, 1, width=32)))
def test_calibrated_probabilities_sum_to_one(scores: np.ndarray) -> None:
    found = metrics.calibrate(scores, np.array([[1.2, -0.5], [0.8, 0.1], [1, 0]]))
    np.testing.assert_allclose(found.sum(axis=0), 1)
    assert ((found >= 0) & (found <= 1)).all()


def test_scores_that_are_calibrated_keep_their_shares() -> None:
    scores = np.array([[0.5, 0.2], [0.25, 0.6]], np.float32)
    np.testing.assert_allclose(
        metrics.calibrate(scores, np.array([[1, 0], [1, 0]])), scores / scores.sum(axis=0), rtol=1e-6
    )


@given(ROWS.filter(lambda rows: any(label for label, _ in rows)))
def test_the_influence_is_the_derivative_of_the_average_precision(rows: list[tuple[bool, int]]) -> None:
    labels = np.array([label for label, _ in rows], np.uint8)
    scores = np.array([score / 6 for _, score in rows], np.float32)
    value, influence = metrics.average_precision_influence(labels, scores)
    assert value == pytest.approx(metrics.average_precision(labels, scores), rel=1e-12)
    assert influence.sum() == pytest.approx(0, abs=1e-12)
    weighted, step = metrics.WeightedRanking(labels, scores).average_precision, 1e-4
    for row in range(len(rows)):
        moved = step * (np.arange(len(rows)) == row)
        low, high = weighted(np.stack([2 - 2 * moved, 2 + 2 * moved]))  # a weight below 1 counts as 1
        assert influence[row] == pytest.approx((high - low) / (2 * step), abs=1e-6)
