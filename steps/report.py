"""Report on all models of a run: one static page to read, one JSON document to decide by.

Both are written even where a cover type is missing; the step then fails, because a report that succeeds would hide
the failed step from whoever looks at the run's end alone.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steps import reporting
from steps import schema as schemas
from steps.core import runtime, storage
from steps.core.errors import PipelineError, UsageError
from steps.core.named_paths import parse_paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steps.schema import CoverType, Schema


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
        list[str] | None, typer.Option(metavar="NAME=PATH", help="Usage of a step: prepare, or SLUG-STEP.")
    ] = None,
    schema: Annotated[str, typer.Option(help="Schema file (TOML), or covertype.")] = schemas.BUILTIN,
    summary: Annotated[Path | None, typer.Option(help="Where a line with the main metrics goes.")] = None,
    accuracy: runtime.ValueOption = None,
    macro_f1: runtime.ValueOption = None,
    worst_class: runtime.ValueOption = None,
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
    run = os.environ.get("COVERTYPE_RUN", "")
    usages = reporting.read_usages(parse_paths(step_usage or [], "--step-usage"), run)
    with runtime.record_usage(usage, "report", inputs=scores_of.values(), outputs=[html, json]) as use:
        facts = reporting.read_json(profile)
        outputs = reporting.read_model_outputs(metrics_of, scores_of, curves_of, searches, facts["data_sha256"])
        document = reporting.build_document(table, asked, outputs, facts, usages)
        results = reporting.RunResults(
            table, asked, document, outputs.metrics, outputs.curves, seed, preset, outputs.searches, run
        )
        storage.write_text(html, reporting.render(results))
        storage.write_json(json, document)
        use.rows_in = sum(len(scored.rows) for scored in outputs.scored.values())
    line = reporting.summary_line(document, asked)
    texts = ("" if document[name] is None else f"{document[name]:.4f}" for name in ("accuracy", "macro_f1"))
    runtime.record_values(
        (summary, line),
        *zip((accuracy, macro_f1), texts, strict=True),
        (worst_class, reporting.worst_class_line(document)),
    )
    if document["missing"]:
        raise PipelineError(line)
    runtime.log(line)


if __name__ == "__main__":
    runtime.run_and_exit(main)
