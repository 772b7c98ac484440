from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from steps.options.tune import Objective, Pruner, Sampler
from steps.search import study
from steps.search.sampler import COMPARED_TRIALS, FIRST_PRUNED_TENTH, RANDOM_TRIALS, PointSampler
from steps.search.space import Dimension, Space
from tests.steps.search.searching import GROWTH, trial_at

if TYPE_CHECKING:
    from steps.search.study import Trial

RATE = Space((Dimension(name="learning_rate", low=0.0, high=1.0),))


def sampler(space: Space = RATE, objective: Objective = Objective.PR_AUC, seed: int = 0) -> PointSampler:
    return PointSampler(space, objective, Sampler.TPE, Pruner.MEDIAN, seed)


def trials_with_best_at(best: float, count: int = 40, sign: int = 1) -> list[Trial]:
    """Return trials that are better the closer their learning rate is to ``best``."""
    rates = [i / count for i in range(count)]
    return [trial_at(i, sign * (1 - abs(rate - best)), learning_rate=rate) for i, rate in enumerate(rates, 1)]


@pytest.mark.parametrize("kind", Sampler)
def test_a_point_depends_on_the_seed_and_the_trials_only(kind: Sampler) -> None:
    trials = trials_with_best_at(0.5, RANDOM_TRIALS)
    first = replace(sampler(GROWTH), sampler=kind).suggest([]).values
    assert replace(sampler(GROWTH), sampler=kind).suggest([]).values == first
    points = [replace(sampler(seed=seed), sampler=kind).suggest(trials).values for seed in (0, 0, 1)]
    assert points[0] == points[1] != points[2]


def test_a_point_has_the_hyperparameters_that_are_searched_together() -> None:
    for seed in range(20):
        values = sampler(GROWTH, seed=seed).suggest([]).values
        depth = "max_leaves" if values["grow_policy"] == "lossguide" else "max_depth"
        assert set(values) == {"grow_policy", depth}


@pytest.mark.parametrize(("objective", "sign"), [(Objective.PR_AUC, 1), (Objective.LOGLOSS, -1)])
def test_tpe_tries_points_close_to_the_best(objective: Objective, sign: int) -> None:
    for best in (0.1, 0.9):
        trials = trials_with_best_at(best, sign=sign)
        rates = [sampler(objective=objective, seed=seed).suggest(trials).values["learning_rate"] for seed in range(9)]
        assert sum(abs(rate - best) < 0.25 for rate in rates) >= 7


def with_curve(number: int, value: float) -> Trial:
    return replace(trial_at(number, value, learning_rate=0.5), curve={str(tenth): value for tenth in range(1, 11)})


def test_a_trial_below_the_median_is_pruned_from_the_third_tenth_on() -> None:
    trials = [with_curve(number, 0.5) for number in range(1, COMPARED_TRIALS + 1)]
    bad, good = (sampler().suggest(trials) for _ in range(2))
    decisions = [bad.should_prune(tenth, 0.4) for tenth in range(1, FIRST_PRUNED_TENTH + 1)]
    assert decisions == [False] * (FIRST_PRUNED_TENTH - 1) + [True]
    assert not any(good.should_prune(tenth, 0.6) for tenth in range(1, 10))


def test_nothing_is_pruned_before_there_are_trials_to_compare_with() -> None:
    trials = [with_curve(number, 0.5) for number in range(1, COMPARED_TRIALS)]
    assert not any(sampler().suggest(trials).should_prune(tenth, 0.4) for tenth in range(1, 10))


def test_pruned_trials_may_be_resumed() -> None:
    trials = [replace(with_curve(number, 0.5), state=study.PRUNED) for number in range(1, 4)]
    assert set(sampler().suggest(trials).values) == {"learning_rate"}
