"""Read the best points of an earlier search, to be tried first in another search of the same cover type.

The file is the ``report.json`` of a run, a trial table, a study, or the document that a workflow carries, which
contains the points only.
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

# The only key of the document that a workflow carries.
KEY = "warm_start"
# The key of points for every cover type: those of a file about a single search.
ALL_COVER_TYPES = ""


def read(path: Path) -> dict[str, list[Hyperparameters]]:
    """Return the points by cover type, best first. The points of a single search have the key ``ALL_COVER_TYPES``.

    Raises:
        BadDataError: The file is of another kind.
        UsageError: The run did not search.
        OSError: The file cannot be read.
    """
    points = _read_document(path)
    if points is None:
        points = {ALL_COVER_TYPES: _read_study(path)}
    return {slug: [_parse_point(parameters, path) for parameters in found] for slug, found in points.items()}


def points_for(cover_type: str, points: Mapping[str, list[Hyperparameters]]) -> list[Hyperparameters]:
    """Return the points for a cover type, none if the earlier run did not search it."""
    return points.get(cover_type, points.get(ALL_COVER_TYPES, []))


def to_document(points: Mapping[str, list[Hyperparameters]]) -> dict[str, Any]:
    """Return the points as plain JSON values, which :func:`read` can read."""
    return {KEY: {slug: [point.to_dict() for point in found] for slug, found in points.items()}}


def _read_document(path: Path) -> dict[str, list[Any]] | None:
    """Return the parameters by cover type of a file that is a single JSON document, None for any other file.

    A study is not a single document, but one per line. A new study has one line, and so is a single document too.
    """
    try:
        document = storage.read_json(path)
    except ValueError:
        return None
    if not isinstance(document, dict):
        raise _unknown_file_error(path)
    try:
        if KEY in document:
            return {str(slug): list(found) for slug, found in document[KEY].items()}
        if "cover_types" in document:
            return _points_of_report(document["cover_types"], path)
    except (AttributeError, KeyError, TypeError):
        raise _unknown_file_error(path) from None
    if "trials" not in document:
        return None
    trials = trial_table.parse_trials(document)
    if trials is None:
        raise _unknown_file_error(path)
    return {ALL_COVER_TYPES: _best_points(document.get("objective"), trials, path)}


def _points_of_report(cover_types: Mapping[str, Mapping[str, Any]], path: Path) -> dict[str, list[Any]]:
    """Return the parameters of each search of a run. Reports of older versions have no key for searches."""
    searches = {slug: each["search"] for slug, each in cover_types.items() if each.get("search")}
    if not searches:
        raise UsageError("this run did not search", where=str(path), fix="give one that was run with --trials")
    return {slug: [point["parameters"] for point in search["best_points"]] for slug, search in searches.items()}


def _read_study(path: Path) -> list[Any]:
    identity, trials = study.read(path)
    return _best_points(identity.get("objective"), trials, path)


def _best_points(objective: object, trials: list[study.Trial], path: Path) -> list[Any]:
    """Return the parameters of the best trials."""
    if not trials:
        return []
    if not isinstance(objective, str) or objective not in list(Objective):
        raise _unknown_file_error(path)
    best = trial_table.rank_trials(trials, Objective(objective))[: trial_table.POINTS]
    return [trial.parameters for trial in best]


def _parse_point(parameters: object, path: Path) -> Hyperparameters:
    if not isinstance(parameters, dict):
        raise _unknown_file_error(path)
    return checked(parameters, path)


def _unknown_file_error(path: Path) -> BadDataError:
    what = "this is neither the report.json of a run, nor a trial table or a study"
    return BadDataError(what, where=str(path), fix="give a file that an earlier search wrote")
