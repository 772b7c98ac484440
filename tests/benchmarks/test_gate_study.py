"""The simulated pairs of the study of the gate are equal, or differ by what was wanted."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.gate_study import Design, draw, make_population, rates, share_for, shift, simulate
from steps.comparison import measures
from steps.comparison.policy import Policy
from tests.steps.comparison.simulated import simulated

POPULATION = make_population(simulated(4000, 1), simulated(4000, 2), simulated(4000, 3, skill=2.6), "birch")


def mean_gains(share: float) -> dict[tuple[str, str | None], float]:
    random = np.random.default_rng(0)
    found: dict[tuple[str, str | None], list[float]] = {}
    for _ in range(60):
        for one, other in zip(*map(measures.measure, draw(POPULATION, 4000, share, random)), strict=True):
            found.setdefault((one.metric, one.cover_type), []).append(one.value - other.value)
    return {key: float(np.mean(values)) for key, values in found.items()}


def test_pairs_without_a_difference_are_equal() -> None:
    assert all(abs(gain) < 0.002 for gain in mean_gains(0).values())


def test_pairs_have_the_wanted_difference_in_one_cover_type() -> None:
    gains = mean_gains(share_for(POPULATION, 0.02))
    assert gains["f1", "birch"] == pytest.approx(0.02, abs=0.003)
    assert abs(gains["f1", "ash"]) < 0.002
    with pytest.raises(ValueError, match="the better model raises the F1 by"):
        share_for(POPULATION, 0.9)


def test_a_shift_keeps_every_decision_and_the_ranking() -> None:
    scores = np.random.default_rng(0).random(1000).astype(np.float32)
    shifted = shift(scores, 0.3, 0.6)
    assert np.array_equal(scores >= 0.3, shifted >= 0.6)
    assert np.array_equal(np.argsort(scores, kind="stable"), np.argsort(shifted, kind="stable"))


def test_verdicts_are_counted_with_their_intervals() -> None:
    found = simulate(POPULATION, Policy(), Design(pairs=3, rows=500, share=0.0, seed=0))
    assert len(found) == 3
    assert rates(["better f1 of a", "not worse accuracy"])[0] == "50.0% (9.5% to 90.5%)"
