"""The figures of a run, as ``report.json`` holds them: of each model alone, and of all models together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps import tables
from steps.core import storage
from steps.core.errors import BadDataError
from steps.models import multiclass
from steps.models.metrics import Estimate
from steps.reporting.contents import METRICS
from steps.search import trial_table as trial_tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steps.schema import CoverType, Schema


PROFILE_FACTS = (
    "source",
    "source_sha256",
    "shape",
    "labels",
    "rows_read",
    "dropped",
    "missing",
    "rows",
    "data_sha256",
    "prevalence",
    "notes",
)


@dataclass(frozen=True)
class Found:
    """What the cover types' chains left behind, by slug; a slug is absent where a file it needs is.

    ``metrics`` and ``scored`` have the same slugs: those that were evaluated. ``searches`` are trial tables.
    """

    metrics: dict[str, dict[str, Any]]
    scored: dict[str, multiclass.Scored]
    curves: dict[str, dict[str, Any]]
    searches: dict[str, dict[str, Any]]


def read(
    metrics: Mapping[str, Path],
    scores: Mapping[str, Path],
    curves: Mapping[str, Path],
    searches: Mapping[str, Path],
    data_sha256: str,
) -> Found:
    """Read the files that exist, in the order of ``metrics``.

    Raises:
        BadDataError: a file is about another cover type, or about other data than ``data_sha256``, or no trial table.
    """
    evaluated = [slug for slug in metrics if metrics[slug].exists() and scores[slug].exists()]
    learned = {slug: read_json(path) for slug, path in curves.items() if path.exists()}
    found = Found({}, {}, learned, read_searches(searches))
    for slug in evaluated:
        found.metrics[slug] = read_json(metrics[slug])
        metadata = tables.read_metadata(scores[slug])
        for path, of in ((metrics[slug], found.metrics[slug]["cover_type"]), (scores[slug], metadata.cover_type)):
            if of != slug:
                raise BadDataError(f"this is about cover type {of!r}, not {slug!r}", where=str(path))
        if metadata.data_sha256 != data_sha256:
            raise BadDataError("these rows are not from the profile's data", where=str(scores[slug]))
        table = tables.read_table(scores[slug], [tables.ROW, tables.LABEL, tables.SCORE])
        found.scored[slug] = multiclass.Scored(*(column.to_numpy() for column in table.columns))
    return found


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that a step wrote; BadDataError where it is none."""
    try:
        document: dict[str, Any] = storage.read_json(path)
    except ValueError as error:
        raise BadDataError(f"not JSON ({error})", where=str(path), fix="run the step that makes it again") from None
    return document


def build(
    schema: Schema,
    asked: Sequence[CoverType],
    found: Found,
    profile: Mapping[str, Any],
    usages: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return what ``report.json`` holds; all but ``steps`` and ``search`` is of models, scores and profile alone."""
    missing = [cover_type.slug for cover_type in asked if cover_type.slug not in found.metrics]
    return {
        **_together(schema, found, missing),
        "missing": missing,
        "cover_types": {
            cover_type.slug: {
                **_alone(cover_type, found.metrics[cover_type.slug]),
                "search": trial_tables.summary(found.searches.get(cover_type.slug, trial_tables.EMPTY)),
            }
            for cover_type in asked
            if cover_type.slug in found.metrics
        },
        "data": {
            **{fact: profile[fact] for fact in PROFILE_FACTS},
            "class_counts": profile["cover_types"],
            "source_class_counts": profile["source_cover_types"],
        },
        "steps": list(usages),
    }


def _together(schema: Schema, found: Found, missing: Sequence[str]) -> dict[str, Any]:
    """Return the metrics of all models together, None where a model they need is missing."""
    accuracy, macro_f1, confusion = Estimate(None), Estimate(None), None
    if not missing:
        complete = set(found.scored) == set(schema.slugs)
        joined = multiclass.join(found.scored, complete=complete)
        macro_f1 = multiclass.macro_f1(joined, [metrics["threshold"] for metrics in found.metrics.values()])
        if complete:
            accuracy = multiclass.accuracy(joined)
            confusion = {"cover_types": list(joined.slugs), "counts": multiclass.confusion(joined).tolist()}
    return {
        "accuracy": accuracy.value,
        "accuracy_interval": _ends(accuracy.low, accuracy.high),
        "macro_f1": macro_f1.value,
        "macro_f1_interval": _ends(macro_f1.low, macro_f1.high),
        "confusion": confusion,
    }


def _alone(cover_type: CoverType, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return one model's part of the report, from its ``metrics.json``."""
    values = {}
    for name in METRICS:
        estimate = metrics["metrics"][name]
        values[name], values[f"{name}_interval"] = estimate["value"], _ends(estimate["low"], estimate["high"])
    return {
        "label": cover_type.label,
        "title": cover_type.title,
        "support": metrics["support"],
        "rows": metrics["rows"],
        **values,
        "threshold": metrics["threshold"],
        "confusion": metrics["confusion"],
    }


def _ends(low: float | None, high: float | None) -> list[float] | None:
    return None if low is None or high is None else [low, high]


def read_usages(paths: Mapping[str, Path], run: str) -> list[dict[str, Any]]:
    """Read the usage files that exist, each with its ``name``; ``cached`` are those of another run than ``run``."""
    whole_run_first = sorted(paths.items(), key=lambda item: "." in item[0])
    documents = {name: read_json(path) for name, path in whole_run_first if path.exists()}
    return [{"name": name, "cached": usage["run"] != run, **usage} for name, usage in documents.items()]


def read_searches(paths: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Read the trial tables that exist; BadDataError for what is none."""
    tables_ = {slug: read_json(path) for slug, path in paths.items() if path.exists()}
    for slug, table in tables_.items():
        if trial_tables.parse_trials(table) is None or not trial_tables.EMPTY.keys() <= table.keys():
            raise BadDataError("this is no trial table", where=str(paths[slug]), fix="tune again")
    return tables_


def summarise(document: Mapping[str, Any], asked: Sequence[CoverType]) -> str:
    """Return the line that says how the models are, or which are missing."""
    if missing := document["missing"]:
        return f"{len(missing)} of {len(asked)} cover types are missing: {', '.join(missing)}"
    if document["accuracy"] is None:
        return f"macro F1 {document['macro_f1']:.4f} over {', '.join(document['cover_types'])}"
    return f"accuracy {document['accuracy']:.4f}, macro F1 {document['macro_f1']:.4f}"
