"""Put a run's models into a registry as a new version, and decide whether they become the champion."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from steps.core import runtime, storage
from steps.core.named_paths import parse_paths
from steps.io import open_destination
from steps.options.register import RegisterOptions
from steps.registry.champion_gate import Gate
from steps.registry.registration import PROFILE, collect_release, register, summarise


def main(  # noqa: PLR0913 - one argument a file
    *,
    model: Annotated[list[str], typer.Option(metavar="SLUG=DIR", help="Model bundle, from train.")],
    metrics: Annotated[list[str], typer.Option(metavar="SLUG=PATH", help="Metrics, from evaluate.")],
    scores: Annotated[list[str], typer.Option(metavar="SLUG=PATH", help="Scored test rows, from evaluate.")],
    profile: Annotated[Path, typer.Option(help="Profile of the source, from prepare.")],
    report_html: Annotated[Path, typer.Option(help="The page, from report.")],
    report_json: Annotated[Path, typer.Option(help="The same figures, from report (JSON).")],
    registry: Annotated[str, typer.Option(metavar="URI", help="gs://bucket/prefix, s3://bucket/prefix or a folder.")],
    registration: Annotated[Path, typer.Option(help="Where to write what was registered (JSON).")],
    options: RegisterOptions,
    summary: Annotated[Path | None, typer.Option(help="Where a line with the outcome goes.")] = None,
    usage: runtime.UsageOption = None,
) -> None:
    """Register a run's models; they become champion where their PR-AUC is not below the champion's."""
    name = options.version or os.environ.get("COVERTYPE_RUN", "")
    models, judged = parse_paths(model, "--model"), parse_paths(metrics, "--metrics")
    scored = parse_paths(scores, "--scores")
    documents = {"report.html": report_html, "report.json": report_json, PROFILE: profile}
    with runtime.record_usage(usage, "register", inputs=[*models.values(), *scored.values(), *documents.values()]):
        release = collect_release(name, models, judged, documents, options.code_revision)
        document = register(release, open_destination(registry), Gate(options.tolerance, options.class_tolerance))
        storage.write_json(registration, document)
    line = summarise(document)
    runtime.record_values((summary, line))
    runtime.log(line)


if __name__ == "__main__":
    runtime.run_and_exit(main)
