"""A table of this machine, and one in S3, give the results on a cluster that a run on this machine gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from steps import schema
from steps.core import storage
from tests.cluster import harness
from tests.support import real_rows, write_table

if TYPE_CHECKING:
    from steps import s3

SLUGS = schema.load(schema.BUILTIN).slugs
FLAGS = ("--preset", "fast", "--seed", "3")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(tmp_path_factory.mktemp("tables") / "my table.csv", real_rows(2100))


@pytest.fixture(scope="module")
def local(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on this machine."""
    words = ("--json", "--output", str(tmp_path_factory.mktemp("runs")), "--source", str(table), *FLAGS)
    return Path(json.loads(harness.pipeline("run", *words))["directory"])


def submit(*words: str) -> dict[str, Any]:
    """Submit a run by the project's command line, and return it when it has ended."""
    workflow = harness.run("submit", *FLAGS, *words)
    assert workflow["status"]["phase"] == "Succeeded", harness.phases(workflow)
    return workflow


def assert_equal_results(workflow: dict[str, Any], local: Path) -> None:
    for slug in SLUGS:
        model = (local / "models" / slug / "model.ubj").read_bytes()
        assert harness.artifact(workflow, slug, "model", "model.ubj") == model
        metrics = local / "nodes" / f"{slug}-evaluate/out/metrics/metrics"
        assert json.loads(harness.artifact(workflow, slug, "metrics")) == json.loads(metrics.read_text())


def test_a_submitted_file_gives_the_results_of_a_run_here(table: Path, local: Path, store: s3.Store) -> None:
    workflow = submit("--source", str(table))
    assert_equal_results(workflow, local)
    [prepare, *_] = [
        node for node in harness.nodes(workflow) if node["templateName"] == "prepare" and "outputs" in node
    ]
    keys = {entry["name"]: entry["s3"]["key"] for entry in prepare["outputs"]["artifacts"] if "s3" in entry}
    profile = store.read(store.get(f"s3://artifacts/{keys['profile']}"))
    assert profile == (local / "nodes/prepare/out/profile/profile").read_bytes()
    uploaded = store.get(f"s3://artifacts/sources/{storage.sha256_file(table)}")
    assert store.read(uploaded) == table.read_bytes()
    assert str(table) in {entry["value"] for entry in workflow["spec"]["arguments"]["parameters"]}


def test_a_table_and_a_registry_in_s3(
    table: Path, local: Path, store: s3.Store, keys: dict[str, str], secret: str
) -> None:
    folder = f"s3://artifacts/{harness.PREFIX}"
    store.upload(table, f"{folder}/table.csv", if_absent=True)
    workflow = submit("--source", f"{folder}/*.csv", "--registry", f"{folder}/models", "--s3-secret", secret)
    assert_equal_results(workflow, local)
    champion = json.loads(store.read(store.get(f"{folder}/models/aliases/champion.json")))
    assert champion["version"] == workflow["metadata"]["name"]
    assert keys["secretKey"] not in json.dumps(workflow)
