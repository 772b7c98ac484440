"""Uploads the datasets, models and report of a finished run to a bucket, for ``run --output gs://bucket/prefix``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steps.core import storage
from steps.registry.paths import REPORT_HTML, REPORT_JSON
from steps.schema import CoverType
from workflows.runs import results

if TYPE_CHECKING:
    from pathlib import Path

    from workflows.local.nodes import Node

_FILES = (REPORT_HTML, REPORT_JSON, results.WORKFLOW)


def published_files(folder: Path, root: Node) -> dict[str, Path]:
    """Return the files and folders of a run to publish.

    Args:
        folder: folder of the run.
        root: its root node.

    Returns:
        Local paths by relative name at the destination, such as ``cover_type=4/part-0.parquet`` or ``models``.
    """
    document = folder / REPORT_JSON
    labels = storage.read_json(document)["cover_types"] if document.exists() else {}
    outputs = {name: path for node in root.children.values() for name, path in node.outputs.artifacts.items()}
    datasets = {
        f"{CoverType(entry['label'], slug, '').partition}/part-0.parquet": outputs[f"dataset-{slug}"]
        for slug, entry in labels.items()
        if f"dataset-{slug}" in outputs
    }
    named = {name: folder / name for name in _FILES if (folder / name).exists()}
    models = {"models": folder / "models"} if (folder / "models").is_dir() else {}
    return {**named, **models, **datasets}


def publish_run(folder: Path, root: Node, bucket: str) -> str:
    """Publish a run and return its location. The manifest is written last.

    Args:
        folder: folder of the run; its name becomes the last part of the location.
        root: its root node.
        bucket: location below which the run is published.

    Raises:
        PipelineError: as ``steps.registry.publishing.publish``. The folder on this machine is not changed.
    """
    from steps.io import open_destination
    from steps.registry import publishing

    location = f"{bucket.rstrip('/')}/{folder.name}"
    return publishing.publish(published_files(folder, root), open_destination(location)).manifest.location
