"""Choose the points of trials, and decide which trials to prune. This is the only module that imports Optuna.

Optuna's study is rebuilt for every trial from the trials so far, and the sampler's seed is derived from the seed of
the search and the number of the trial. A search that is resumed therefore gives the same trials as one that was not
interrupted.

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

# TPE draws at random before this number of trials. The pruner compares a trial with at least this number of others.
RANDOM_TRIALS, COMPARED_TRIALS = 10, 5
# The pruner may stop a trial after each tenth of its rounds, from the third on.
TENTHS, FIRST_PRUNED_TENTH = 10, 3


class Suggestion:
    """A point that the sampler chose: ``values`` are its searched hyperparameters by name."""

    def __init__(self, trial: optuna.Trial, space: Space) -> None:
        self._trial = trial
        self.values = suggest_values(trial, space)

    def should_prune(self, tenth: int, value: float) -> bool:
        """Report the objective after a number of tenths of the rounds, and return whether to prune the trial."""
        self._trial.report(value, tenth)
        return bool(self._trial.should_prune())


@dataclass(frozen=True)
class PointSampler:
    """Chooses the points of one search."""

    space: Space
    objective: Objective
    sampler: Sampler
    pruner: Pruner
    seed: int

    def suggest(self, trials: Sequence[Trial]) -> Suggestion:
        """Return the point to try after these trials. Values of a trial outside the space are ignored."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        seed = int(np.random.SeedSequence([self.seed, len(trials) + 1]).generate_state(1)[0])
        median = optuna.pruners.MedianPruner(
            n_startup_trials=COMPARED_TRIALS, n_warmup_steps=FIRST_PRUNED_TENTH, n_min_trials=COMPARED_TRIALS
        )
        study = optuna.create_study(
            direction="minimize" if self.objective is Objective.LOGLOSS else "maximize",
            sampler=_optuna_sampler(self.sampler, seed),
            pruner=median if self.pruner is Pruner.MEDIAN else optuna.pruners.NopPruner(),
        )
        distributions = {dimension.name: _distribution(dimension) for dimension in self.space.dimensions}
        study.add_trials([_to_optuna_trial(trial, distributions) for trial in trials])
        return Suggestion(study.ask(), self.space)


def _optuna_sampler(sampler: Sampler, seed: int) -> optuna.samplers.BaseSampler:
    if sampler is Sampler.RANDOM:
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=RANDOM_TRIALS)


def _to_optuna_trial(trial: Trial, distributions: dict[str, Any]) -> optuna.trial.FrozenTrial:
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


def suggest_values(trial: optuna.Trial, space: Space) -> dict[str, Any]:
    """Return the searched hyperparameters by name that Optuna chooses for a trial."""
    values: dict[str, Any] = {}
    for dimension in space.dimensions:
        if dimension.is_searched(values):
            values[dimension.name] = _suggest_value(trial, dimension)
    return values


def _suggest_value(trial: optuna.Trial, dimension: Dimension) -> Any:  # noqa: ANN401 - the type of the hyperparameter
    if dimension.choices:
        return trial.suggest_categorical(dimension.name, dimension.choices)
    suggest = trial.suggest_int if dimension.whole else trial.suggest_float
    return suggest(dimension.name, dimension.low, dimension.high, log=dimension.log)
