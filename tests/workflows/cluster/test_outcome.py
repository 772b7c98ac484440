"""What a run leaves: a JSON object, the reasons of its failures, its report and its models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from steps.core.errors import NoInputError
from tests.workflows.fake_runs import NAME, RECORDED, running, with_node
from workflows.cluster import nodes, outcome

if TYPE_CHECKING:
    from pathlib import Path

    from workflows.cluster.nodes import Step


class FakeClient:
    """A cluster that holds one run, and writes an artifact's name as its content."""

    namespace = "covertype"

    def __init__(self, workflow: dict[str, Any]) -> None:
        self.workflow = workflow

    def get(self, name: str) -> dict[str, Any]:
        assert name == NAME
        return self.workflow

    def log(self, name: str, step: Step, **options: Any) -> list[str]:  # noqa: ARG002 - a client's arguments
        return [f"1 error: {step.name} is broken"]

    def link(self, name: str) -> str:
        return f"https://ui/{name}"

    def download(self, workflow: dict[str, Any], step: Step, artifact: str, target: Path) -> None:  # noqa: ARG002
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"{step.name} {artifact}")


def client(workflow: dict[str, Any]) -> Any:
    return FakeClient(workflow)


def test_the_json_object_of_a_run() -> None:
    state = nodes.read(RECORDED)
    result = outcome.summary(client(RECORDED), state)
    assert (result["run"], result["namespace"], result["status"]) == (NAME, "covertype", "Failed")
    assert (result["exit_code"], result["link"]) == (1, f"https://ui/{NAME}")
    assert set(result["failed_steps"]) == {"aspen-train", "report"}
    train = result["steps"]["aspen-train"]
    assert (train["status"], train["attempts"]) == ("Failed", 1)
    assert result["steps"]["aspen-evaluate"]["status"] == "Omitted"
    assert outcome.summary(client(RECORDED), state, {"a": "b"})["failed_steps"] == {"a": "b"}


def test_a_run_that_has_not_ended_has_no_exit_code() -> None:
    result = outcome.summary(client(running()), nodes.read(running()))
    assert (result["exit_code"], result["steps"]["prepare"]["status"]) == (None, "Pending")
    succeeded = nodes.read({**RECORDED, "status": {"phase": "Succeeded", "nodes": {}}})
    assert outcome.summary(client(RECORDED), succeeded)["exit_code"] == 0


def test_a_step_that_fails_because_another_did_is_no_reason() -> None:
    assert outcome.failures(client(RECORDED), nodes.read(RECORDED)) == {"aspen-train": "aspen-train is broken"}
    assert outcome.failures(client(running()), nodes.read(running())) == {}


def test_fetch(tmp_path: Path) -> None:
    found = outcome.fetch(client(RECORDED), NAME, tmp_path)
    paths = {str(path.relative_to(tmp_path)) for path in found}
    assert paths == {"report.html", "report.json", "models/spruce-fir"}
    assert (tmp_path / "models" / "spruce-fir").read_text() == "spruce-fir-train model"


def test_an_artifact_that_was_deleted_is_not_fetched(tmp_path: Path) -> None:
    deleted = with_node("report(0)", outputs={"artifacts": [{"name": "html", "deleted": True}]})
    assert tmp_path / "report.html" not in outcome.fetch(client(deleted), NAME, tmp_path)


def test_a_run_without_anything_to_fetch(tmp_path: Path) -> None:
    message = f"run '{NAME}' has no report, no model and no scores yet, in namespace covertype: see"
    with pytest.raises(NoInputError, match=message):
        outcome.fetch(client(running()), NAME, tmp_path)


def test_fetch_of_a_pod_with_all_steps(tmp_path: Path) -> None:
    made = [
        {"name": name} for name in ("report", "json", "model-aspen", "model-spruce-fir", "metrics-aspen", "study-aspen")
    ]
    workflow = with_node("report(0)", outputs={"artifacts": made})
    paths = {str(path.relative_to(tmp_path)) for path in outcome.fetch(client(workflow), NAME, tmp_path)}
    assert paths == {"report.html", "report.json", "models/aspen", "models/spruce-fir"}


def test_fetch_of_a_prediction(tmp_path: Path) -> None:
    made = [
        {"name": "predictions", "path": "/work/out/predictions/my scores.csv"},
        {"name": "rejects", "path": "/work/out/rejects/my scores.csv.rejects.csv"},
        {"name": "prediction-metrics", "path": "/work/out/prediction-metrics/metrics.json"},
        {"name": "usage", "path": "/work/out/usage/usage"},
    ]
    workflow = with_node("report(0)", outputs={"artifacts": made})
    paths = {path.name for path in outcome.fetch(client(workflow), NAME, tmp_path)}
    assert paths - {"spruce-fir"} == {"my scores.csv", "my scores.csv.rejects.csv", "metrics.json"}
