"""A pod scores a table with models that a run on the cluster registered, as this machine does with these models."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster import harness
from tests.support import real_rows, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from steps import s3

FOLDER = f"s3://artifacts/{harness.PREFIX}-predict"


@dataclass(frozen=True)
class Scored:
    """A table, its scores on this machine, and the flags with which pods find the models."""

    table: Path
    scores: Path
    models: tuple[str, ...]


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory, secret: str, registry: str, access: None) -> Scored:  # noqa: ARG001 - the environment
    """A table, and its scores on this machine by the champion that a run on the cluster registered."""
    folder = tmp_path_factory.mktemp("predict")
    table = write_table(folder / "my table.csv", real_rows(1400))
    words = ("--input", str(table), "--output", str(folder / "scores.csv"), "--keep", "Elevation")
    harness.pipeline("predict", *words, "--registry", registry)
    return Scored(table, folder / "scores.csv", ("--registry", registry, "--s3-secret", secret))


def summary(workflow: dict[str, Any]) -> str:
    """Return the output parameter of the whole run."""
    [root] = [node for node in harness.nodes(workflow) if node["name"] == workflow["metadata"]["name"]]
    [found] = [entry["value"] for entry in root["outputs"]["parameters"] if entry["name"] == "summary"]
    return str(found)


def test_a_file_of_this_machine_to_an_artifact(scored: Scored, tmp_path: Path) -> None:
    words = ("--output", "scores.csv", "--keep", "Elevation", *scored.models)
    workflow = harness.run("submit-predict", "--input", str(scored.table), *words)
    assert workflow["status"]["phase"] == "Succeeded", harness.phases(workflow)
    name = workflow["metadata"]["name"]
    assert summary(workflow).startswith("1,400 rows scored, 0 rejected; 1,400 labelled rows: accuracy 0.")
    harness.pipeline("fetch", name, "--namespace", harness.NAMESPACE, "--output", str(tmp_path))
    assert (tmp_path / name / "scores.csv").read_bytes() == scored.scores.read_bytes()
    metrics = json.loads((tmp_path / name / "metrics.json").read_text())
    assert metrics["engine"] == "forest"
    assert metrics["drift"]["rows"] == 1400
    assert "Drift against the training rows" in (tmp_path / name / "drift.html").read_text()


def test_from_a_bucket_to_a_bucket(scored: Scored, store: s3.Store) -> None:
    store.upload(scored.table, f"{FOLDER}/new/table.csv", if_absent=True)
    words = ("--input", f"{FOLDER}/new/*.csv", "--output", f"{FOLDER}/scores-{{date}}.csv")
    given = (*words, *scored.models)
    workflow = harness.run("submit-predict", *given, "--keep", "Elevation")
    assert workflow["status"]["phase"] == "Succeeded", harness.phases(workflow)
    output = f"{FOLDER}/scores-{workflow['metadata']['creationTimestamp'][:10]}.csv"
    published = store.get(output)
    assert store.read(published) == scored.scores.read_bytes()
    # As a later attempt of the same run, and another one at the same time.
    again, other = (harness.start("submit-predict", *given, "--keep", column) for column in ("Elevation", "Slope"))
    ended = harness.wait(again)
    assert ended["status"]["phase"] == "Succeeded", harness.phases(ended)
    assert harness.wait(other)["status"]["phase"] == "Failed"
    assert store.get(output) == published


def test_rejected_rows_of_a_failed_run_can_be_fetched(scored: Scored, tmp_path: Path) -> None:
    lines = scored.table.read_text().splitlines()
    lines[3] = "high" + lines[3][lines[3].index(",") :]
    table = tmp_path / "bad.csv"
    table.write_text("\n".join(lines) + "\n")
    words = ("--input", str(table), "--output", "scores.csv", *scored.models)
    workflow = harness.run("submit-predict", *words)
    assert workflow["status"]["phase"] == "Failed", harness.phases(workflow)
    name = workflow["metadata"]["name"]
    harness.pipeline("fetch", name, "--namespace", harness.NAMESPACE, "--output", str(tmp_path))
    assert len((tmp_path / name / "scores.csv.rejects.csv").read_text().splitlines()) == 2
    assert not (tmp_path / name / "scores.csv").exists()
