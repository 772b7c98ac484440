from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.workflows.finished_runs import finished_run
from workflows.runs import publishing, results

if TYPE_CHECKING:
    from pathlib import Path

    from workflows.local.nodes import Node


def published_run(folder: Path) -> Node:
    """Return the root of a run that made a dataset, a model and a report for the cover type aspen (5)."""
    (folder / "models" / "aspen").mkdir(parents=True)
    (folder / "models" / "aspen" / "model.ubj").write_text("model")
    (folder / "dataset.parquet").write_text("rows")
    (folder / "report.json").write_text(json.dumps({"cover_types": {"aspen": {"label": 5}, "other": {"label": 6}}}))
    (folder / results.WORKFLOW).write_text("kind: Workflow")
    root = finished_run({"prepare": 0})
    root.children["prepare"].outputs.artifacts = {"dataset-aspen": folder / "dataset.parquet"}
    return root


def test_datasets_are_named_by_label_and_absent_files_are_left_out(tmp_path: Path) -> None:
    files = publishing.published_files(tmp_path, published_run(tmp_path))
    assert files == {
        "report.json": tmp_path / "report.json",
        "workflow.yaml": tmp_path / "workflow.yaml",
        "models": tmp_path / "models",
        "cover_type=5/part-0.parquet": tmp_path / "dataset.parquet",
    }


def test_a_run_that_made_nothing_has_nothing_to_publish(tmp_path: Path) -> None:
    assert publishing.published_files(tmp_path, finished_run({})) == {}


def test_a_run_is_published_under_its_name_with_a_manifest(tmp_path: Path) -> None:
    folder = tmp_path / "covertype-1"
    folder.mkdir()
    location = publishing.publish_run(folder, published_run(folder), f"{tmp_path}/published/")
    assert location == f"{tmp_path}/published/covertype-1"
    manifest = json.loads((tmp_path / "published/covertype-1/manifest.json").read_text())
    assert len(manifest["files"]) == 4
