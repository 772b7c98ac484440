"""A pod scores a table with models that a run on the cluster registered, as this machine does with these models."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from steps import s3
from tests.cluster import harness
from tests.support import real_rows, write_table
from workflows.cluster.port_forward import local_address

if TYPE_CHECKING:
    from collections.abc import Iterator

FLAGS = ("--preset", "fast", "--seed", "3", "--rows", "2100", "--pods", "all")
SMALL = str(Path(__file__).with_name("small.yaml"))
STORE = f"{harness.STORE}.{harness.NAMESPACE}:8333"
FOLDER = f"s3://artifacts/{harness.PREFIX}-predict"


@dataclass(frozen=True)
class Scored:
    """A table, and its scores on this machine."""

    table: Path
    scores: Path
    secret: str


@pytest.fixture(scope="module")
def keys() -> dict[str, str]:
    data = harness.get("secret", harness.STORE)["data"]
    return {name: base64.b64decode(value).decode() for name, value in data.items()}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Address of the store of the artifact repository on this machine."""
    with local_address(STORE, "") as found:
        yield f"http://{found}"


@pytest.fixture(scope="module")
def store(keys: dict[str, str], address: str) -> s3.Store:
    return s3.connect(s3.Access(address, "us-east-1", keys["accessKey"], keys["secretKey"]))


@pytest.fixture(scope="module")
def secret(keys: dict[str, str]) -> Iterator[str]:
    """Name of a Secret with the keys of the store."""
    name = f"{harness.PREFIX}-predict"
    values = {
        "AWS_ENDPOINT_URL": f"http://{STORE}",
        "AWS_ACCESS_KEY_ID": keys["accessKey"],
        "AWS_SECRET_ACCESS_KEY": keys["secretKey"],
    }
    document = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}
    harness.kubectl("create", "--filename", "-", given=json.dumps(document))
    yield name
    harness.kubectl("delete", f"secret/{name}")


def submit(verb: str, *words: str) -> dict[str, Any]:
    """Submit a workflow by the project's command line, and return it when it has ended."""
    name = harness.new_name()
    where = ("--name", name, "--namespace", harness.NAMESPACE, "--image", harness.IMAGE, "--config", SMALL)
    harness.pipeline(verb, *where, *words)
    return harness.wait(name)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory, secret: str, keys: dict[str, str], address: str) -> Scored:
    """A table, and its scores on this machine by the champion that a run on the cluster registered."""
    workflow = submit("submit", *FLAGS, "--registry", f"{FOLDER}/models", "--s3-secret", secret)
    assert workflow["status"]["phase"] == "Succeeded", harness.phases(workflow)
    folder = tmp_path_factory.mktemp("predict")
    table = write_table(folder / "my table.csv", real_rows(1400))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", address)
        patch.setenv("AWS_ACCESS_KEY_ID", keys["accessKey"])
        patch.setenv("AWS_SECRET_ACCESS_KEY", keys["secretKey"])
        words = ("--input", str(table), "--output", str(folder / "scores.csv"), "--keep", "Elevation")
        harness.pipeline("predict", *words, "--registry", f"{FOLDER}/models")
    return Scored(table, folder / "scores.csv", secret)


def summary(workflow: dict[str, Any]) -> str:
    """Return the output parameter of the whole run."""
    [root] = [node for node in harness.nodes(workflow) if node["name"] == workflow["metadata"]["name"]]
    [found] = [entry["value"] for entry in root["outputs"]["parameters"] if entry["name"] == "summary"]
    return str(found)


def test_a_file_of_this_machine_to_an_artifact(scored: Scored, tmp_path: Path) -> None:
    words = ("--output", "scores.csv", "--keep", "Elevation", "--registry", f"{FOLDER}/models")
    workflow = submit("submit-predict", "--input", str(scored.table), *words, "--s3-secret", scored.secret)
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
    given = (*words, "--registry", f"{FOLDER}/models", "--s3-secret", scored.secret)
    workflow = submit("submit-predict", *given, "--keep", "Elevation")
    assert workflow["status"]["phase"] == "Succeeded", harness.phases(workflow)
    output = f"{FOLDER}/scores-{workflow['metadata']['creationTimestamp'][:10]}.csv"
    published = store.get(output)
    assert store.read(published) == scored.scores.read_bytes()
    again = submit("submit-predict", *given, "--keep", "Elevation")  # as a later attempt of the same run
    assert again["status"]["phase"] == "Succeeded", harness.phases(again)
    other = submit("submit-predict", *given, "--keep", "Slope")
    assert other["status"]["phase"] == "Failed"
    assert store.get(output) == published


def test_rejected_rows_of_a_failed_run_can_be_fetched(scored: Scored, tmp_path: Path) -> None:
    lines = scored.table.read_text().splitlines()
    lines[3] = "high" + lines[3][lines[3].index(",") :]
    table = tmp_path / "bad.csv"
    table.write_text("\n".join(lines) + "\n")
    words = ("--input", str(table), "--output", "scores.csv", "--registry", f"{FOLDER}/models")
    workflow = submit("submit-predict", *words, "--s3-secret", scored.secret)
    assert workflow["status"]["phase"] == "Failed", harness.phases(workflow)
    name = workflow["metadata"]["name"]
    harness.pipeline("fetch", name, "--namespace", harness.NAMESPACE, "--output", str(tmp_path))
    assert len((tmp_path / name / "scores.csv.rejects.csv").read_text().splitlines()) == 2
    assert not (tmp_path / name / "scores.csv").exists()
