"""Files of earlier steps that the report reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps import tables
from steps.core import storage
from steps.core.errors import BadDataError
from steps.models.multiclass import Scored
from steps.search import trial_table as trial_tables

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ModelOutputs:
    """Outputs of the cover types' steps, by slug. A slug is absent if one of its files is.

    Attributes:
        metrics: content of ``metrics.json``, for each evaluated cover type.
        scored: test rows with labels and scores, for the same cover types as ``metrics``.
        curves: content of ``learning-curve.json``.
        searches: trial tables.
    """

    metrics: dict[str, dict[str, Any]]
    scored: dict[str, Scored]
    curves: dict[str, dict[str, Any]]
    searches: dict[str, dict[str, Any]]


def read_model_outputs(
    metrics: Mapping[str, Path],
    scores: Mapping[str, Path],
    curves: Mapping[str, Path],
    searches: Mapping[str, Path],
    data_sha256: str,
) -> ModelOutputs:
    """Read those files that exist.

    Args:
        metrics: ``metrics.json`` by slug, in the order of the report.
        scores: scored test rows by slug.
        curves: ``learning-curve.json`` by slug.
        searches: trial table by slug.
        data_sha256: hash of the data that the run's profile describes.

    Raises:
        BadDataError: a file belongs to another cover type or to other data, or it is not what it should be.
    """
    evaluated = [slug for slug in metrics if metrics[slug].exists() and scores[slug].exists()]
    return ModelOutputs(
        metrics={slug: _read_metrics(metrics[slug], slug) for slug in evaluated},
        scored={slug: _read_scores(scores[slug], slug, data_sha256) for slug in evaluated},
        curves={slug: read_json(path) for slug, path in curves.items() if path.exists()},
        searches=read_trial_tables(searches),
    )


def _read_metrics(path: Path, slug: str) -> dict[str, Any]:
    document = read_json(path)
    _check_cover_type(document["cover_type"], slug, path)
    return document


def _read_scores(path: Path, slug: str, data_sha256: str) -> Scored:
    metadata = tables.read_metadata(path)
    _check_cover_type(metadata.cover_type, slug, path)
    if metadata.data_sha256 != data_sha256:
        raise BadDataError("these rows are not from the profile's data", where=str(path))
    table = tables.read_table(path, [tables.ROW, tables.LABEL, tables.SCORE])
    return Scored(*(column.to_numpy() for column in table.columns))


def _check_cover_type(found: str, slug: str, path: Path) -> None:
    if found != slug:
        raise BadDataError(f"this is about cover type {found!r}, not {slug!r}", where=str(path))


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that a step wrote.

    Raises:
        BadDataError: the file is not JSON.
    """
    try:
        document: dict[str, Any] = storage.read_json(path)
    except ValueError as error:
        raise BadDataError(f"not JSON ({error})", where=str(path), fix="run the step that makes it again") from None
    return document


def read_usages(paths: Mapping[str, Path], run: str) -> list[dict[str, Any]]:
    """Read the resource usage of each step that has a file, steps of the whole run first.

    Args:
        paths: usage files by name, ``STEP``, or ``SLUG-STEP`` for the step of a cover type.
        run: name of the current run; the step of a usage of another run was cached.

    Returns:
        The content of each file, with ``name`` and ``cached``.
    """
    documents = [(name, read_json(path)) for name, path in paths.items() if path.exists()]
    usages = [{"name": name, "cached": usage["run"] != run, **usage} for name, usage in documents]
    return sorted(usages, key=lambda usage: usage["name"] != usage.get("step"))


def read_trial_tables(paths: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Read the trial tables that exist, by slug.

    Raises:
        BadDataError: a file is not a trial table.
    """
    found = {slug: read_json(path) for slug, path in paths.items() if path.exists()}
    for slug, table in found.items():
        if trial_tables.parse_trials(table) is None or not trial_tables.EMPTY.keys() <= table.keys():
            raise BadDataError("this is no trial table", where=str(paths[slug]), fix="tune again")
    return found
