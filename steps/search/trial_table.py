"""The table of a search's trials, which ``tune`` writes for the report."""

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
# The number of best points that another search tries first.
POINTS = 5
# The smallest number of trials for importances, and the number of trees of the forest.
_LEAST_TRIALS, _TREES = 10, 100


def best_trial(trials: Sequence[Trial], objective: Objective) -> Trial:
    """Return the complete trial with the best value, the first of equal ones."""
    return rank_trials(trials, objective)[0]


def rank_trials(trials: Sequence[Trial], objective: Objective) -> list[Trial]:
    """Return the complete trials from best to worst. Equal ones stay in their order."""
    complete = [trial for trial in trials if trial.state == COMPLETE]
    return sorted(complete, key=lambda trial: -objective.sign * trial.value)


def build_table(trials: Sequence[Trial], space: Space, objective: Objective, gain: Gain, seed: int) -> dict[str, Any]:
    """Return the table as plain JSON values.

    Args:
        trials: The trials in order.
        space: The search space.
        objective: The objective.
        gain: The comparison of the best trial with the preset.
        seed: The seed of the importances.

    Returns:
        ``objective``, ``best`` (the number of the best trial), ``gain``, ``importances``, ``space`` (a list of
        dimensions with ``name``, and ``low high log`` or ``choices``), and ``trials``.
    """
    return {
        "objective": objective.value,
        "best": best_trial(trials, objective).number,
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
    """Return whether the ``gain`` of a table is statistically significant, in words."""
    if gain["low"] is None:
        return f"not tested: the {gain['rows']} held-out validation rows are all of one class"
    return "statistically significant" if gain["significant"] else "not statistically significant"


def importances(trials: Sequence[Trial], space: Space, seed: int) -> dict[str, float]:
    """Return the importance of each dimension for the value of a trial.

    It is the mean decrease of impurity in a random forest over the complete trials. This measure is fast, and defined
    for a dimension that is not always searched. It describes the trials that were run, most of which a sampler puts
    where values are good.

    Source: Breiman (2001), "Random forests", Machine Learning 45. Optuna has it as an importance evaluator.

    Args:
        trials: The trials.
        space: The search space.
        seed: The seed of the forest.

    Returns:
        The importances by name, largest first, with sum 1. It is empty for fewer than ten complete trials.
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
    """Return values as numbers, and a word as its position in alphabetical order."""
    words = sorted({value for value in values if isinstance(value, str)})
    return [float(words.index(value) if isinstance(value, str) else value) for value in values]


def parse_trials(document: object) -> list[Trial] | None:
    """Return the trials of a trial table, None if the document is not one."""
    rows = document.get("trials") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not all(is_trial(row) for row in rows):
        return None
    return [Trial(**row) for row in rows]


def summary(table: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the entry of a search in ``report.json``, None for a table without trials.

    Returns:
        ``objective``, ``trials`` (their number), ``pruned`` (the number of pruned ones), ``best`` (the number of the
        best trial), ``gain`` (see ``gain.Gain``), and ``best_points`` (``value`` and ``parameters``, best first).
    """
    trials = parse_trials(table)
    if not trials:
        return None
    best = rank_trials(trials, Objective(table["objective"]))[:POINTS]
    return {
        "objective": table["objective"],
        "trials": len(trials),
        "pruned": sum(trial.state != COMPLETE for trial in trials),
        "best": table["best"],
        "gain": table["gain"],
        "best_points": [{"value": trial.value, "parameters": dict(trial.parameters)} for trial in best],
    }


def outcome_line(result: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    """Return the line about a search that the Argo UI displays.

    Args:
        result: The content of ``best-parameters.json``.
        table: The trial table.
    """
    if not (gain := table["gain"]):
        return str(result["origin"])
    if gain["low"] is None:
        return f"{result['origin']}: {table['objective']} {result['value']:.4f}, {verdict(gain)}"
    value = f"{table['objective']} {gain['best']:.4f}"
    found = f"{value}, {gain['gain']:+.4f} against the preset, {verdict(gain)}"
    return f"{result['origin']}: {found} on {gain['rows']} held-out validation rows"
