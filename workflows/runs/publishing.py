"""A finished run's datasets, models and report, put into Cloud Storage: ``run --output gs://bucket/prefix``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steps.core import storage
from steps.schema import CoverType
from workflows.runs import results

if TYPE_CHECKING:
    from pathlib import Path

    from workflows.local.nodes import Node

_FILES = ("report.html", "report.json", results.WORKFLOW)


def files_of(folder: Path, root: Node) -> dict[str, Path]:
    """Return what is published of a run, by its name there: ``cover_type=4/part-0.parquet``, ``models/SLUG/...``."""
    document = folder / "report.json"
    labels = storage.read_json(document)["cover_types"] if document.exists() else {}
    made = root.children["prepare"].outputs.artifacts if "prepare" in root.children else {}
    datasets = {
        f"{CoverType(entry['label'], slug, '').partition}/part-0.parquet": made[f"dataset-{slug}"]
        for slug, entry in labels.items()
        if f"dataset-{slug}" in made
    }
    named = {name: folder / name for name in _FILES if (folder / name).exists()}
    models = {"models": folder / "models"} if (folder / "models").is_dir() else {}
    return {**named, **models, **datasets}


def publish(folder: Path, root: Node, bucket: str) -> str:
    """Publish a run below ``bucket`` under its name, the manifest last, and return where it is.

    Raises:
        PipelineError: as ``steps.registry.publishing.publish``; the run's folder on this machine stays as it is.
    """
    from steps.io import open_destination
    from steps.registry import publishing

    place = f"{bucket.rstrip('/')}/{folder.name}"
    return publishing.publish(files_of(folder, root), open_destination(place)).manifest.location
