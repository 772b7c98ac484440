"""A run on this machine or a version of a registry, as one side of a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps.bundles import folder as bundle
from steps.comparison import scores as test_scores
from steps.core import storage
from steps.core.errors import BadDataError, NoInputError, renamed
from steps.registry import aliases, versions
from steps.registry.paths import REPORT_JSON, version_path
from workflows.runs import results

if TYPE_CHECKING:
    from steps.comparison.reference import ReferenceUse
    from steps.registry.destinations import Destination
    from steps.registry.manifest import Manifest


@dataclass(frozen=True)
class Side:
    """A run or a version with all that is compared.

    Attributes:
        name: The name of the run or version.
        kind: ``run`` or ``version``.
        location: The folder or the address.
        scores: The scores on its test rows.
        models: The content of ``metadata.json`` of each model by slug.
        data: The section ``data`` of the report.
        work_seconds: The time of all steps together, the first time that each was executed.
        seconds: The duration of the run; None for a version.
        size_bytes: The size of all bundles.
        reference: The rows of a reference table that the scores are of; None for the test rows.
    """

    name: str
    kind: str
    location: str
    scores: test_scores.TestScores
    models: dict[str, dict[str, Any]]
    data: dict[str, Any]
    work_seconds: float
    seconds: float | None
    size_bytes: int
    reference: ReferenceUse | None = None


def read_run(output: Path, name: str) -> Side:
    """Return a run on this machine.

    Args:
        output: The folder of the runs.
        name: The name of the run.

    Raises:
        NoInputError: There is no such run, or it has no models, no report or no test scores.
        BadDataError: A file is damaged.
    """
    result = results.read_result(output, name)
    models = {path.name: path for path in sorted(results.find_models(output, name).iterdir()) if path.is_dir()}
    folder = output / name
    report = _read_report(folder / REPORT_JSON)
    found = test_scores.assemble_test_scores(models, {slug: _find_scores(folder, slug) for slug in models})
    return Side(
        name=name,
        kind="run",
        location=str(folder),
        scores=found,
        models={slug: storage.read_json(path / bundle.METADATA) for slug, path in models.items()},
        data=report["data"],
        work_seconds=_work(report),
        seconds=result["seconds"],
        size_bytes=sum((path / part).stat().st_size for path in models.values() for part in bundle.FILES),
    )


def _find_scores(folder: Path, slug: str) -> Path:
    """Return the scores of a model of a run, wherever its steps were divided among nodes."""
    places = (f"{slug}-evaluate/out/scores", f"{slug}/out/scores", f"all/out/scores-{slug}")
    for place in places:
        for path in (folder / results.NODES / place).glob("*"):
            return path
    what = f"this run has no scores of the test rows for {slug!r}"
    raise NoInputError(what, where=str(folder), fix="compare runs that were executed on this machine and not pruned")


def read_version(registry: Destination, name: str, folder: Path) -> Side:
    """Return a version of a registry.

    Args:
        registry: The registry.
        name: The name of the version, or an alias.
        folder: An empty folder for the files to read.

    Raises:
        NoInputError: There is no such version or alias, or a file of it does not exist.
        BadDataError: The version is damaged, or it has no test scores.
    """
    version = aliases.resolve(registry, name)
    manifest = versions.read_version(registry, version)
    place = registry.below(version_path(version))
    entries = {entry.name: entry for entry in manifest.files}
    slugs = list(manifest.metadata["cover_types"])
    wanted = [test_scores.FILE, REPORT_JSON, *(f"models/{slug}/{bundle.METADATA}" for slug in slugs)]
    for each in wanted:
        if each not in entries:
            fix = "register the run again with this release"
            raise BadDataError(f"version {version!r} has no {each}", where=place.location, fix=fix)
        (folder / each).parent.mkdir(parents=True, exist_ok=True)
        place.download(entries[each], folder / each)
    with renamed(folder, place.location):
        report = _read_report(folder / REPORT_JSON)
        return Side(
            name=version,
            kind="version",
            location=place.location,
            scores=test_scores.read_test_scores(folder / test_scores.FILE),
            models={slug: bundle.read_metadata(folder / "models" / slug) for slug in slugs},
            data=report["data"],
            work_seconds=_work(report),
            seconds=None,
            size_bytes=_size(manifest),
        )


def _size(manifest: Manifest) -> int:
    return sum(entry.size for entry in manifest.files if bundle.is_bundle_file(entry.name))


def _read_report(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise NoInputError("there is no report", where=str(path), fix="compare runs that ended with a report")
    try:
        report: dict[str, Any] = storage.read_json(path)
        if not isinstance(report["data"], dict) or not isinstance(report["steps"], list):
            raise TypeError  # noqa: TRY301 - one message for all problems
    except (ValueError, TypeError, KeyError):
        raise BadDataError("not the report of a run", where=str(path), fix="run again") from None
    return report


def _work(report: dict[str, Any]) -> float:
    return round(sum(float(usage.get("wall_seconds", 0)) for usage in report["steps"]), 1)
