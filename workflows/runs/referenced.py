"""Score both sides of a comparison on a reference table, in the place of their own test rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from steps.bundles import folder as bundle
from steps.comparison.reference import VersionFiles
from steps.core import storage
from steps.reference.table import open_table
from steps.registry import versions
from steps.registry.judging import candidates
from steps.registry.paths import REPORT_JSON
from workflows.runs import results

if TYPE_CHECKING:
    from steps.registry.destinations import Destination
    from workflows.runs.compared import Side


def score_sides(
    first: Side, second: Side, location: str, registry: Destination | None, folder: Path
) -> tuple[Side, Side]:
    """Return both sides with their scores on the rows of a reference table that neither was fitted on.

    Args:
        first: One side.
        second: The other side.
        location: The address of the table.
        registry: The registry of the versions; None if both are runs.
        folder: An empty folder for files.

    Raises:
        UnusableReferenceError: The table does not suffice to compare them.
        BadDataError: The table has no labels, or a file is damaged.
        PipelineError: As for ``steps.io.open_source``.
    """
    schema = bundle.schema_of(next(iter(second.models.values())))
    with open_table(location, schema) as table:
        files = [files_of(side, registry, folder / str(at)) for at, side in enumerate((first, second))]
        found = table.score(files, 1)
    one, other = (
        replace(side, scores=scores, reference=found.use)
        for side, scores in zip((first, second), found.scores, strict=True)
    )
    return one, other


def files_of(side: Side, registry: Destination | None, folder: Path) -> VersionFiles:
    """Return the files of a side that scoring needs.

    Args:
        side: The side.
        registry: The registry of a version; None for a run.
        folder: The folder to make for the files of a version.
    """
    if side.kind == "version" and registry is not None:
        return candidates.fetch_version_files(registry, versions.read_version(registry, side.name), folder)
    run = Path(side.location)
    record = next((run / results.NODES).glob("*/out/fingerprints/*"), None)
    steps = storage.read_json(run / REPORT_JSON)["steps"]
    options = {use["name"]: use["options"] for use in steps if use.get("step") == "split" and "options" in use}
    return VersionFiles(side.name, run / "models", record, options)
