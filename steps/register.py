"""Put a run's models into a registry as a new version, and decide whether they become the champion."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steps import reporting
from steps.comparison.policy import read_policy
from steps.comparison.scores import FILE as SCORES
from steps.comparison.scores import assemble_test_scores, read_test_scores, write_test_scores
from steps.core import runtime, storage
from steps.core.errors import UsageError
from steps.core.named_paths import parse_paths
from steps.io import open_destination
from steps.models import bundle
from steps.options.register import RegisterOptions
from steps.prediction.models import read_ensemble
from steps.provenance.card import render_card
from steps.reference.table import open_table
from steps.registry.paths import CARD, PROFILE, REPORT_HTML, REPORT_JSON
from steps.registry.registration import Release, collect_release, register, summarise
from steps.tables.fingerprints import FILE as FINGERPRINTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from steps.comparison.policy import Policy
    from steps.prediction.models import Ensemble


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
    fingerprints: Annotated[Path | None, typer.Option(help="Fingerprints of the rows used, from prepare.")] = None,
    policy: Annotated[Path | None, typer.Option(help="Policy of the gate (TOML); the default one without it.")] = None,
    decision: Annotated[Path | None, typer.Option(help="Where the page with the decision goes (HTML).")] = None,
    summary: Annotated[Path | None, typer.Option(help="Where a line with the outcome goes.")] = None,
    usage: runtime.UsageOption = None,
) -> None:
    """Register a run's models; they become champion where the gate finds them better on the same test rows."""
    name = options.version or os.environ.get("COVERTYPE_RUN", "")
    models, judged = parse_paths(model, "--model"), parse_paths(metrics, "--metrics")
    scored = parse_paths(scores, "--scores")
    if wrong := models.keys() ^ scored.keys():
        raise UsageError(f"{min(wrong)!r} is not in both", where="--model and --scores", fix="give both for each")
    conditions = read_policy(policy)
    documents = {REPORT_HTML: report_html, REPORT_JSON: report_json, PROFILE: profile}
    inputs = [*models.values(), *scored.values(), *documents.values()]
    if fingerprints:
        documents[FINGERPRINTS] = fingerprints
    with (
        runtime.record_usage(usage, "register", inputs=inputs),
        tempfile.TemporaryDirectory() as folder,
        ExitStack() as stack,
    ):
        release = collect_release(name, models, judged, documents, options.code_revision)
        release.files[SCORES] = Path(folder) / SCORES
        _write_scores(release.files[SCORES], models, scored, conditions)
        ensemble = _open_prepared(models, Path(folder) / "models")
        release.files.update(_find_forests(Path(folder) / "models"))
        release.files[CARD] = Path(folder) / CARD
        storage.write_text(release.files[CARD], _card(release, report_json, next(iter(models.values()))))
        reference = None
        if conditions.reference.table:  # before anything is published: the table may be missing or damaged
            reference = stack.enter_context(open_table(conditions.reference.table, ensemble.schema))
            reference.check_rows(ensemble)
        document = register(release, open_destination(registry), conditions, reference)
        if decision:
            storage.write_text(decision, reporting.with_decision(report_html.read_text("utf-8"), document))
        storage.write_json(registration, document)
    line = summarise(document)
    runtime.record_values((summary, line))
    runtime.log(line)


def _write_scores(path: Path, models: Mapping[str, Path], scored: Mapping[str, Path], policy: Policy) -> None:
    """Write the scores of all models, after checking that they have what the policy names."""
    found = assemble_test_scores(models, scored)
    policy.check_names(found.slugs, found.slices)
    write_test_scores(path, found)


def _open_prepared(models: Mapping[str, Path], folder: Path) -> Ensemble:
    """Prepare the models for those who score rows without XGBoost.

    Args:
        models: The folders of the bundles by slug.
        folder: A new folder, which gets the prepared forests.
    """
    folder.mkdir()
    for slug, path in models.items():
        (folder / slug).symlink_to(path.resolve())
    return read_ensemble(folder)


def _find_forests(folder: Path) -> dict[str, Path]:
    """Return the prepared forests in a folder by their published names."""
    return {f"models/{path.name}": path for path in sorted(folder.iterdir()) if path.is_file()}


def _card(release: Release, report: Path, model: Path) -> str:
    """Return the model card of a release, with the schema of one of its models."""
    schema = bundle.read(model).schema
    return render_card(release.lineage, reporting.read_json(report), schema, read_test_scores(release.files[SCORES]))


if __name__ == "__main__":
    runtime.run_and_exit(main)
