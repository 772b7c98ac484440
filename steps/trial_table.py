"""The table of a search's trials, as ``tune`` writes it for the report, and what an earlier one says is good."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from steps import storage, study
from steps.errors import BadDataError
from steps.hyperparameters import NAMES, Hyperparameters
from steps.objective import Objective
from steps.study import COMPLETE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from steps.search_gain import Gain
    from steps.space import Space
    from steps.study import Trial

EMPTY: dict[str, Any] = {"objective": None, "best": None, "gain": None, "importances": {}, "space": [], "trials": []}
# As many of an earlier search's best points are tried first.
WARM_POINTS = 5
# With fewer trials a forest says nothing.
_LEAST_TRIALS, _TREES = 10, 100


def best_of(trials: Sequence[Trial], objective: Objective) -> Trial:
    """Return the complete trial with the best value, the first of equals."""
    return max((trial for trial in trials if trial.state == COMPLETE), key=lambda trial: objective.sign * trial.value)


def build(trials: Sequence[Trial], space: Space, objective: Objective, gain: Gain, seed: int) -> dict[str, Any]:
    """Return the table: ``objective``, number of the ``best`` trial, ``gain``, ``importances``, ``space``, ``trials``.

    ``space`` has a search dimension each, with ``name``, ``low high log`` or ``choices``, in the order of the file.
    """
    return {
        "objective": objective.value,
        "best": best_of(trials, objective).number,
        "gain": gain.to_dict(),
        "importances": importances(trials, space, seed),
        "space": [
            {"name": each.name, "choices": list(each.choices)}
            if each.choices
            else {"name": each.name, "low": each.low, "high": each.high, "log": each.log}
            for each in space.dimensions
        ],
        "trials": [asdict(trial) for trial in trials],
    }


def importances(trials: Sequence[Trial], space: Space, seed: int) -> dict[str, float]:
    """Return how much each dimension says about a complete trial's value, summing to 1; nothing for few trials.

    The mean decrease of impurity in a random forest over all trials: quick, and defined where a dimension is not
    always searched. It is about the trials that were made, which a sampler crowds where values are good.
    Source: Breiman (2001), "Random forests", Machine Learning 45; Optuna has the same as an importance evaluator.
    """
    complete = [trial for trial in trials if trial.state == COMPLETE]
    values = np.array([trial.value for trial in complete])
    if len(complete) < _LEAST_TRIALS or not np.ptp(values):
        return {}
    from sklearn.ensemble import RandomForestRegressor

    names = [dimension.name for dimension in space.dimensions]
    points = np.column_stack([_numbers([trial.parameters[name] for trial in complete]) for name in names])
    forest = RandomForestRegressor(_TREES, random_state=seed).fit(points, values)
    shares = {name: float(share) for name, share in zip(names, forest.feature_importances_, strict=True)}
    return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))


def _numbers(values: Sequence[Any]) -> list[float]:
    """Return values as numbers: words by their place in the alphabet."""
    words = sorted({value for value in values if isinstance(value, str)})
    return [float(words.index(value) if isinstance(value, str) else value) for value in values]


def warm_points(path: Path) -> list[Hyperparameters]:
    """Return the best points of an earlier search, best first, from its trial table or its study.

    Raises:
        BadDataError: the file is neither.
        OSError: it cannot be read.
    """
    objective, trials = _earlier(path)
    complete = [trial for trial in trials if trial.state == COMPLETE]
    complete.sort(key=lambda trial: -Objective(objective).sign * trial.value)
    return [_point(trial.parameters, path) for trial in complete[:WARM_POINTS]]


def _earlier(path: Path) -> tuple[str, list[Trial]]:
    """Return the objective and the trials of an earlier search."""
    try:
        table = storage.read_json(path)
    except ValueError:  # a study is one document a line
        table = None
    if isinstance(table, dict) and "trials" in table:
        identity, rows = table, table["trials"]
        if not isinstance(rows, list) or not all(study.is_trial(row) for row in rows):
            raise _no_table(path)
        trials = [study.Trial(**row) for row in rows]
    else:
        identity, trials = study.read(path)
    objective = identity.get("objective")
    if trials and objective not in list(Objective):
        raise _no_table(path)
    return str(objective), trials


def _point(parameters: Mapping[str, Any], path: Path) -> Hyperparameters:
    for name, value in parameters.items():
        if name not in NAMES or not isinstance(value, (int, float, str)):
            raise _no_table(path)
    return Hyperparameters(**parameters)


def _no_table(path: Path) -> BadDataError:
    fix = "give a trial table or a study that tune wrote"
    return BadDataError("this is neither a trial table nor a study", where=str(path), fix=fix)
