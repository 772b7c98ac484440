"""Accuracy of the slices and calibration, on scores whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest

from steps.comparison.scores import Slice, TestScores
from steps.provenance.card_figures import FEWEST_ROWS, calibration_error, slice_accuracies

ROWS = 3000


def scores_of(probability: float, right: float) -> TestScores:
    """Return scores of two models: one scores every row high with this probability, and is right in this share."""
    random = np.random.default_rng(0)
    truth = np.where(random.random(ROWS) < right, 0, 1)
    scores = np.stack([np.full(ROWS, probability, np.float32), np.full(ROWS, 1 - probability, np.float32)])
    codes = np.where(np.arange(ROWS) < FEWEST_ROWS - 1, 0, np.where(np.arange(ROWS) % 2, 1, 2)).astype(np.int16)
    return TestScores(
        slugs=("a", "b"),
        rows=np.arange(ROWS),
        truth=truth,
        scores=scores,
        groups=np.arange(ROWS, dtype=np.uint64),
        thresholds=(0.5, 0.5),
        calibrations=((1.0, 0.0), (1.0, 0.0)),
        data_sha256="d" * 64,
        seed=0,
        slices={"Area": Slice(("few", "odd", "even"), codes)},
    )


@pytest.mark.parametrize(("probability", "right", "error"), [(0.8, 0.8, 0.0), (0.95, 0.8, 0.15), (0.6, 0.8, 0.2)])
def test_the_calibration_error_is_the_gap_between_probability_and_share(
    probability: float, right: float, error: float
) -> None:
    found = calibration_error(scores_of(probability, right))
    assert found.value == pytest.approx(error, abs=0.02)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low <= error + 0.02
    assert found.low <= found.value <= found.high


def test_the_accuracy_of_parts_with_enough_rows() -> None:
    found = slice_accuracies(scores_of(0.8, 0.8))
    assert [each.part for each in found] == ["odd", "even"]
    assert sum(each.rows for each in found) == ROWS - FEWEST_ROWS + 1
    for each in found:
        assert each.accuracy.value == pytest.approx(0.8, abs=0.05)
        assert each.accuracy.value is not None
        assert each.accuracy.low is not None
        assert each.accuracy.low < each.accuracy.value
