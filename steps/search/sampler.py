"""The one module that knows Optuna: which point to try next, and which trial to give up.

Optuna's study is made anew for every trial, from the trials so far, and its sampler is seeded by the search's seed and
the trial's number. So a search that was interrupted goes on as it would have.

Source of TPE: Bergstra, Bardenet, Bengio, Kegl (2011), "Algorithms for hyper-parameter optimization", NeurIPS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from steps.options.tune import Objective, Pruner, Sampler
from steps.search.study import COMPLETE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steps.search.space import Dimension, Space
    from steps.search.study import Trial

# Before so many trials TPE has too little to go by and draws at random; the pruner compares with as many at least.
RANDOM_TRIALS, COMPARED_TRIALS = 10, 5
# A trial is looked at after each tenth of its rounds, and left alone before the third.
TENTHS, LOOKED_AT_FROM = 10, 3


class Asked:
    """A point that was chosen: ``values`` has its searched hyperparameters by name."""

    def __init__(self, trial: optuna.Trial, space: Space) -> None:
        self._trial = trial
        self.values = suggest(trial, space)

    def should_stop(self, tenth: int, value: float) -> bool:
        """Whether to give the trial up after ``tenth`` tenths of its rounds with this value."""
        self._trial.report(value, tenth)
        return bool(self._trial.should_prune())


@dataclass(frozen=True)
class Chooser:
    """Chooses the points of one search."""

    space: Space
    objective: Objective
    sampler: Sampler
    pruner: Pruner
    seed: int

    def ask(self, trials: Sequence[Trial]) -> Asked:
        """Choose the next point; what of an earlier point is outside the space counts as not given."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        seed = int(np.random.SeedSequence([self.seed, len(trials) + 1]).generate_state(1)[0])
        median = optuna.pruners.MedianPruner(
            n_startup_trials=COMPARED_TRIALS, n_warmup_steps=LOOKED_AT_FROM, n_min_trials=COMPARED_TRIALS
        )
        study = optuna.create_study(
            direction="minimize" if self.objective is Objective.LOGLOSS else "maximize",
            sampler=_sampler(self.sampler, seed),
            pruner=median if self.pruner is Pruner.MEDIAN else optuna.pruners.NopPruner(),
        )
        distributions = {dimension.name: _distribution(dimension) for dimension in self.space.dimensions}
        study.add_trials([_told(trial, distributions) for trial in trials])
        return Asked(study.ask(), self.space)


def _sampler(sampler: Sampler, seed: int) -> optuna.samplers.BaseSampler:
    if sampler is Sampler.RANDOM:
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=RANDOM_TRIALS)


def _told(trial: Trial, distributions: dict[str, Any]) -> optuna.trial.FrozenTrial:
    return create_trial(
        state=TrialState.COMPLETE if trial.state == COMPLETE else TrialState.PRUNED,
        value=trial.value,
        params=dict(trial.values),
        distributions={name: distributions[name] for name in trial.values},
        intermediate_values={int(tenth): value for tenth, value in trial.curve.items()},
    )


def _distribution(dimension: Dimension) -> CategoricalDistribution | FloatDistribution | IntDistribution:
    if dimension.choices:
        return CategoricalDistribution(dimension.choices)
    kind = IntDistribution if dimension.whole else FloatDistribution
    return kind(dimension.low, dimension.high, log=dimension.log)


def suggest(trial: optuna.Trial, space: Space) -> dict[str, Any]:
    """Let Optuna choose a point of a space; return the searched hyperparameters by name."""
    values: dict[str, Any] = {}
    for dimension in space.dimensions:
        if dimension.is_searched(values):
            values[dimension.name] = _suggest(trial, dimension)
    return values


def _suggest(trial: optuna.Trial, dimension: Dimension) -> Any:  # noqa: ANN401 - as the hyperparameter
    if dimension.choices:
        return trial.suggest_categorical(dimension.name, dimension.choices)
    suggest = trial.suggest_int if dimension.whole else trial.suggest_float
    return suggest(dimension.name, dimension.low, dimension.high, log=dimension.log)
