from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps import metrics, search_gain, training
from steps.objective import Objective

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS = 600


def scored(noise: float, seed: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return labels and a classifier's scores of them: the more noise, the worse."""
    labels = (np.arange(ROWS) % 3 == 0).astype(np.uint8)
    random = np.random.default_rng(seed)
    return labels, (1 / (1 + np.exp(2 - 4.0 * labels - noise * random.normal(size=ROWS)))).astype(np.float32)


@pytest.mark.parametrize("objective", Objective)
def test_a_better_model_is_outside_noise_and_the_same_is_not(objective: Objective) -> None:
    labels, good = scored(1.0)
    _, bad = scored(4.0, seed=1)
    gain = search_gain.compare(labels, bad, good, objective)
    assert gain.outside_noise
    assert 0 < gain.low < gain.gain < gain.high
    worse = search_gain.compare(labels, good, bad, objective)
    assert (worse.gain, worse.outside_noise) == (-gain.gain, False)
    same = search_gain.compare(labels, good, good, objective)
    assert (same.gain, same.low, same.high, same.outside_noise) == (0, 0, 0, False)
    assert search_gain.compare(labels, bad, good, objective) == gain


def test_models_of_equal_strength_are_inside_noise() -> None:
    labels, one = scored(2.0)
    gains = [search_gain.compare(labels, one, scored(2.0, seed)[1], Objective.PR_AUC) for seed in range(1, 9)]
    assert sum(gain.outside_noise for gain in gains) <= 1


SCORED = st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2, max_size=30)


@given(SCORED.filter(lambda rows: len({label for label, _ in rows}) == 2), st.data())
def test_weights_are_repeated_rows(rows: list[tuple[bool, int]], data: st.DataObject) -> None:
    labels = np.array([label for label, _ in rows], np.uint8)
    scores = np.array([score / 8 for _, score in rows], np.float32)
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows))))
    repeated = np.repeat(labels, weights), np.repeat(scores, weights)
    if not repeated[0].any():
        weights, repeated = np.ones(len(rows), int), (labels, scores)
    measure = {objective: search_gain._measure(labels, scores, objective)(weights) for objective in Objective}
    assert measure[Objective.PR_AUC] == pytest.approx(metrics.pr_auc(*repeated).value)
    assert measure[Objective.LOGLOSS] == pytest.approx(metrics.log_losses(*repeated).mean(), abs=1e-6)
    confusion = metrics.Confusion.of(
        repeated[0], repeated[1].astype(np.float64) >= training.best_threshold(labels, scores)
    )
    expected = 2 * confusion.tp / max(1, 2 * confusion.tp + confusion.fp + confusion.fn)
    assert measure[Objective.F1] == pytest.approx(expected)


def test_as_json() -> None:
    gain = search_gain.Gain(0.5, 0.75, 0.25, 0.125, 0.5)
    expected = {"preset": 0.5, "best": 0.75, "gain": 0.25, "low": 0.125, "high": 0.5, "outside_noise": True}
    assert gain.to_dict() == expected
