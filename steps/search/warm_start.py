"""The points that a search tries first: the best ones of an earlier search of the same cover type.

They are read from what a person has of it (``report.json`` of a run, a trial table, a study), or from the document that
a workflow carries, which has nothing else in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steps.core import storage
from steps.core.errors import BadDataError, UsageError
from steps.models.hyperparameters import checked
from steps.options.tune import Objective
from steps.search import study, trial_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from steps.options.train import Hyperparameters

# The name of the only key of the document that a workflow carries.
KEY = "warm_start"
# Where a file is about one search, its points are for every cover type.
EVERY = ""


def read(path: Path) -> dict[str, list[Hyperparameters]]:
    """Return the points by cover type, best first; of a file about one search as those of ``EVERY`` cover type.

    Raises:
        BadDataError: the file is none of the four.
        UsageError: the run made no search.
        OSError: it cannot be read.
    """
    points = _of_document(path)
    if points is None:
        points = {EVERY: _of_study(path)}
    return {slug: [_point(parameters, path) for parameters in found] for slug, found in points.items()}


def points_of(cover_type: str, points: Mapping[str, list[Hyperparameters]]) -> list[Hyperparameters]:
    """Return what there is for a cover type; nothing where the earlier run did not search it."""
    return points.get(cover_type, points.get(EVERY, []))


def to_document(points: Mapping[str, list[Hyperparameters]]) -> dict[str, Any]:
    """Return the points as plain JSON values, which :func:`read` reads again."""
    return {KEY: {slug: [point.to_dict() for point in found] for slug, found in points.items()}}


def _of_document(path: Path) -> dict[str, list[Any]] | None:
    """Return the parameters by cover type of a file that is one JSON document, None for another: a study is many."""
    try:
        document = storage.read_json(path)
    except ValueError:
        return None
    if not isinstance(document, dict):
        raise _unknown(path)
    try:
        if KEY in document:
            return {str(slug): list(found) for slug, found in document[KEY].items()}
        if "cover_types" in document:
            return _of_report(document["cover_types"], path)
    except (AttributeError, KeyError, TypeError):
        raise _unknown(path) from None
    if "trials" not in document:
        return None
    trials = trial_table.trials_of(document)
    if trials is None:
        raise _unknown(path)
    return {EVERY: _best(document.get("objective"), trials, path)}


def _of_report(cover_types: Mapping[str, Mapping[str, Any]], path: Path) -> dict[str, list[Any]]:
    """Return the parameters of each search of a run; those of an older version have no key for them."""
    searches = {slug: each["search"] for slug, each in cover_types.items() if each.get("search")}
    if not searches:
        raise UsageError("this run made no search", where=str(path), fix="give one that was run with --trials")
    return {slug: [point["parameters"] for point in search["best_points"]] for slug, search in searches.items()}


def _of_study(path: Path) -> list[Any]:
    identity, trials = study.read(path)
    return _best(identity.get("objective"), trials, path)


def _best(objective: object, trials: list[study.Trial], path: Path) -> list[Any]:
    """Return the parameters of the best trials."""
    if not trials:
        return []
    if not isinstance(objective, str) or objective not in list(Objective):
        raise _unknown(path)
    return [trial.parameters for trial in trial_table.best_first(trials, Objective(objective))[: trial_table.POINTS]]


def _point(parameters: object, path: Path) -> Hyperparameters:
    if not isinstance(parameters, dict):
        raise _unknown(path)
    return checked(parameters, path)


def _unknown(path: Path) -> BadDataError:
    what = "this is neither the report.json of a run, nor a trial table or a study"
    return BadDataError(what, where=str(path), fix="give a file that an earlier search wrote")
