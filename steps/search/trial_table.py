"""The table of a search's trials, as ``tune`` writes it for the report."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from steps.options.tune import Objective
from steps.search.study import COMPLETE, Trial, is_trial

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steps.search.gain import Gain
    from steps.search.space import Space

EMPTY: dict[str, Any] = {"objective": None, "best": None, "gain": None, "importances": {}, "space": [], "trials": []}
# As many of the best points are worth trying first in another search.
POINTS = 5
# With fewer trials a forest says nothing.
_LEAST_TRIALS, _TREES = 10, 100


def best_of(trials: Sequence[Trial], objective: Objective) -> Trial:
    """Return the complete trial with the best value, the first of equals."""
    return best_first(trials, objective)[0]


def best_first(trials: Sequence[Trial], objective: Objective) -> list[Trial]:
    """Return the complete trials, best value first, of equals the earlier one."""
    complete = [trial for trial in trials if trial.state == COMPLETE]
    return sorted(complete, key=lambda trial: -objective.sign * trial.value)


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


def verdict(gain: Mapping[str, Any]) -> str:
    """Return in words whether the ``gain`` of a table is statistically significant."""
    if gain["low"] is None:
        return f"not tested: the {gain['rows']} held-out validation rows are all of one kind"
    return "statistically significant" if gain["significant"] else "not statistically significant"


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


def trials_of(document: object) -> list[Trial] | None:
    """Return the trials of a trial table; None of a document that has none, or a list of other things."""
    rows = document.get("trials") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not all(is_trial(row) for row in rows):
        return None
    return [Trial(**row) for row in rows]


def summary(table: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what ``report.json`` says of a search; None of a table without trials.

    It has ``objective``, how many ``trials`` there were and how many of them were ``pruned``, the number of the
    ``best``, ``gain`` (see ``search_gain.Gain``) and ``best_points``: ``value`` and ``parameters``, best first.
    """
    trials = trials_of(table)
    if not trials:
        return None
    best = best_first(trials, Objective(table["objective"]))[:POINTS]
    return {
        "objective": table["objective"],
        "trials": len(trials),
        "pruned": sum(trial.state != COMPLETE for trial in trials),
        "best": table["best"],
        "gain": table["gain"],
        "best_points": [{"value": trial.value, "parameters": dict(trial.parameters)} for trial in best],
    }


def outcome_line(result: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    """Return the line that the Argo UI shows of a search."""
    if not (gain := table["gain"]):
        return str(result["origin"])
    if gain["low"] is None:
        return f"{result['origin']}: {table['objective']} {result['value']:.4f}, {verdict(gain)}"
    value = f"{table['objective']} {gain['best']:.4f}"
    found = f"{value}, {gain['gain']:+.4f} against the preset, {verdict(gain)}"
    return f"{result['origin']}: {found} on {gain['rows']} held-out validation rows"
