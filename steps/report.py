"""Report on all models of a run: one static page to read, one JSON document to decide by.

Both are written even where a cover type is missing; the step then fails, because a report that succeeds would hide
the failed step from whoever looks at the run's end alone.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steps import multiclass, report_page, runtime, storage, tables
from steps import schema as schemas
from steps import trial_table as trial_tables
from steps.errors import BadDataError, PipelineError, UsageError
from steps.metrics import Estimate

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
    learned = {slug: _read_json(path) for slug, path in curves.items() if path.exists()}
    found = Found({}, {}, learned, read_searches(searches))
    for slug in evaluated:
        found.metrics[slug] = _read_json(metrics[slug])
        metadata = tables.read_metadata(scores[slug])
        for path, of in ((metrics[slug], found.metrics[slug]["cover_type"]), (scores[slug], metadata.cover_type)):
            if of != slug:
                raise BadDataError(f"this is about cover type {of!r}, not {slug!r}", where=str(path))
        if metadata.data_sha256 != data_sha256:
            raise BadDataError("these rows are not from the profile's data", where=str(scores[slug]))
        table = tables.read(scores[slug], [tables.ROW, tables.LABEL, tables.SCORE])
        found.scored[slug] = multiclass.Scored(*(column.to_numpy() for column in table.columns))
    return found


def _read_json(path: Path) -> dict[str, Any]:
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
    for name in report_page.METRICS:
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
    documents = {name: _read_json(path) for name, path in whole_run_first if path.exists()}
    return [{"name": name, "cached": usage["run"] != run, **usage} for name, usage in documents.items()]


def read_searches(paths: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Read the trial tables that exist; BadDataError for what is none."""
    tables_ = {slug: _read_json(path) for slug, path in paths.items() if path.exists()}
    for slug, table in tables_.items():
        if trial_tables.trials_of(table) is None or not trial_tables.EMPTY.keys() <= table.keys():
            raise BadDataError("this is no trial table", where=str(paths[slug]), fix="tune again")
    return tables_


def summarise(document: Mapping[str, Any], asked: Sequence[CoverType]) -> str:
    """Return the line that says how the models are, or which are missing."""
    if missing := document["missing"]:
        return f"{len(missing)} of {len(asked)} cover types are missing: {', '.join(missing)}"
    if document["accuracy"] is None:
        return f"macro F1 {document['macro_f1']:.4f} over {', '.join(document['cover_types'])}"
    return f"accuracy {document['accuracy']:.4f}, macro F1 {document['macro_f1']:.4f}"


def parse_paths(entries: Sequence[str], option: str) -> dict[str, Path]:
    """Parse ``NAME=PATH`` entries; UsageError for one that is neither, or a name given twice."""
    paths: dict[str, Path] = {}
    for entry in entries:
        name, separator, path = entry.partition("=")
        if not (name and separator and path):
            raise UsageError(f"{entry!r} is not NAME=PATH", where=option)
        if name in paths:
            raise UsageError(f"{name!r} is there twice", where=option)
        paths[name] = Path(path)
    return paths


def _paths_of(asked: Sequence[CoverType], entries: Sequence[str], option: str) -> dict[str, Path]:
    """Parse entries that must be one a cover type, and return them in the order of the cover types."""
    paths = parse_paths(entries, option)
    slugs = [cover_type.slug for cover_type in asked]
    for slug in set(slugs) ^ set(paths):
        what = f"no path for cover type {slug!r}" if slug in slugs else f"cover type {slug!r} is not asked for"
        raise UsageError(what, where=option, fix="give one path for every --cover-type")
    return {slug: paths[slug] for slug in slugs}


def _asked(schema: Schema, slugs: Sequence[str]) -> list[CoverType]:
    for slug in slugs:
        if slugs.count(slug) > 1:
            raise UsageError(f"cover type {slug!r} is there twice", where="--cover-type")
    return [schema.cover_type(slug) for slug in slugs]


def main(  # noqa: PLR0913 - one argument an option
    *,
    cover_type: Annotated[list[str], typer.Option(metavar="SLUG", help="A cover type the run was asked for.")],
    metrics: Annotated[list[str], typer.Option(metavar="SLUG=PATH", help="Metrics, from evaluate.")],
    scores: Annotated[list[str], typer.Option(metavar="SLUG=PATH", help="Scored test rows, from evaluate.")],
    learning_curve: Annotated[list[str], typer.Option(metavar="SLUG=PATH", help="Learning curve, from train.")],
    profile: Annotated[Path, typer.Option(help="Profile of the source, from prepare.")],
    html: Annotated[Path, typer.Option(help="Where the page goes.")],
    json: Annotated[Path, typer.Option(help="Where the same figures go (JSON).")],
    trial_table: Annotated[
        list[str] | None, typer.Option(metavar="SLUG=PATH", help="Trials of the search, from tune.")
    ] = None,
    step_usage: Annotated[
        list[str] | None, typer.Option(metavar="NAME=PATH", help="Usage of a step: prepare, or STEP.SLUG.")
    ] = None,
    schema: Annotated[str, typer.Option(help="Schema file (TOML), or covertype.")] = schemas.BUILTIN,
    summary: Annotated[Path | None, typer.Option(help="Where a line with the main metrics goes.")] = None,
    accuracy: runtime.ValueOption = None,
    macro_f1: runtime.ValueOption = None,
    seed: Annotated[int, typer.Option(help="Seed of the run, shown only.")] = 0,
    preset: Annotated[str, typer.Option(help="Preset of the run, shown only.")] = "",
    usage: runtime.UsageOption = None,
) -> None:
    """Report on all models of a run. Files that do not exist are cover types whose steps failed: exit code 1."""
    table = schemas.load(schema)
    asked = _asked(table, cover_type)
    metrics_of = _paths_of(asked, metrics, "--metrics")
    scores_of = _paths_of(asked, scores, "--scores")
    curves_of = _paths_of(asked, learning_curve, "--learning-curve")
    searches = parse_paths(trial_table or [], "--trial-table")
    usages = read_usages(parse_paths(step_usage or [], "--step-usage"), os.environ.get("COVERTYPE_RUN", ""))
    with runtime.record_usage(usage, "report", inputs=scores_of.values(), outputs=[html, json]) as use:
        figures = _read_json(profile)
        found = read(metrics_of, scores_of, curves_of, searches, figures["data_sha256"])
        document = build(table, asked, found, figures, usages)
        contents = report_page.Contents(
            table, asked, document, found.metrics, found.curves, seed, preset, found.searches
        )
        storage.write_text(html, report_page.render(contents))
        storage.write_json(json, document)
        use.rows_in = sum(len(scored.rows) for scored in found.scored.values())
    line = summarise(document, asked)
    texts = ("" if document[name] is None else f"{document[name]:.4f}" for name in ("accuracy", "macro_f1"))
    runtime.record_values((summary, line), *zip((accuracy, macro_f1), texts, strict=True))
    if document["missing"]:
        raise PipelineError(line)
    runtime.log(line)


if __name__ == "__main__":
    runtime.main_of(main)
