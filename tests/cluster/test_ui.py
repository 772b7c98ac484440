"""The data of a run in the Argo UI: names, figures, logs and the report, from the server of the UI."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest
import requests

from tests.cluster import harness

SERVER = os.environ.get("COVERTYPE_ARGO_SERVER", "")
pytestmark = pytest.mark.skipif(not SERVER, reason="COVERTYPE_ARGO_SERVER names no argo-server")


def node_of(workflow: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the node of the first pod of a step."""
    name = f"{workflow['metadata']['name']}.{path}(0)"
    [node] = [node for node in harness.nodes(workflow) if node["name"] == name]
    return node


def served(workflow: dict[str, Any], path: str, artifact: str) -> requests.Response:
    """Return an artifact as the pages of the UI receive it."""
    node, run = node_of(workflow, path)["id"], workflow["metadata"]["name"]
    url = f"{SERVER}/artifact-files/{harness.NAMESPACE}/workflows/{run}/{node}/outputs/{artifact}"
    answer = requests.get(url, timeout=30)
    answer.raise_for_status()
    return answer


def test_the_report_is_a_page_that_the_server_s_policy_lets_show(finished: dict[str, Any]) -> None:
    answer = served(finished, "report", "report")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy  # no scripts, fonts or pictures from other servers
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "<svg" in answer.text
    assert not re.findall(r"<(?:script|img|iframe|link|object)\b|url\([^#]|@import", answer.text)


def test_figures_are_output_parameters(finished: dict[str, Any]) -> None:
    [whole] = [node for node in harness.nodes(finished) if node["name"] == finished["metadata"]["name"]]
    figures = {entry["name"]: entry["value"] for entry in whole["outputs"]["parameters"]}
    assert figures["summary"] == f"accuracy {figures['accuracy']}, macro F1 {figures['macro-f1']}"
    evaluated = {
        entry["name"]: entry["value"] for entry in node_of(finished, "aspen-evaluate")["outputs"]["parameters"]
    }
    assert 0 < float(evaluated["f1"]) <= 1
    assert 0 < float(evaluated["pr-auc"]) <= 1


def test_the_report_is_an_output_of_the_run(finished: dict[str, Any]) -> None:
    [whole] = [node for node in harness.nodes(finished) if node["name"] == finished["metadata"]["name"]]
    url = f"{SERVER}/artifact-files/{harness.NAMESPACE}/workflows/{whole['name']}/{whole['id']}/outputs/report"
    answer = requests.get(url, timeout=30)
    answer.raise_for_status()
    assert answer.text == served(finished, "report", "report").text


def test_a_run_has_no_title_and_a_description_of_what_differs(finished: dict[str, Any]) -> None:
    annotations = finished["metadata"]["annotations"]
    assert annotations["workflows.argoproj.io/description"] == "fast, 2000 rows, seed 3"
    assert "workflows.argoproj.io/title" not in annotations


@pytest.mark.parametrize("run", ["finished", "fused", "whole"])
def test_the_graph_draws_the_report_alone(run: str, request: pytest.FixtureRequest) -> None:
    workflow = request.getfixturevalue(run)
    keys: set[str] = set()
    for node in harness.nodes(workflow):
        if node["type"] == "Pod":
            own = [entry["s3"]["key"] for entry in node["outputs"]["artifacts"] if not entry["name"].endswith("-logs")]
            assert len(own) == len(set(own))
            keys |= {key.rpartition("/")[2] for key in own}
    assert {key for key in keys if "." in key} == {"report.html", "report.json"}


def test_the_report_of_fused_pods_has_the_figures_of_each_step(fused: dict[str, Any]) -> None:
    document = served(fused, "report", "json").json()
    seconds = {step["name"]: (step["started"], step["wall_seconds"]) for step in document["steps"]}
    assert len(seconds) == len(set(seconds.values())) == 1 + 7 * 5


def test_nodes_are_named_after_cover_type_and_step(finished: dict[str, Any]) -> None:
    shown = {node["displayName"] for node in harness.nodes(finished) if node["type"] == "Retry"}
    assert {"aspen-train", "krummholz-evaluate", "prepare", "report"} <= shown
    others = {node["displayName"] for node in harness.nodes(finished) if node["type"] in {"Pod", "Skipped"}}
    assert {"aspen-train(0)", "krummholz-evaluate(0)", "aspen-tune"} <= others


def test_the_log_of_a_pod_that_is_gone_is_kept(finished: dict[str, Any]) -> None:
    run = finished["metadata"]["name"]
    # Argo deletes a pod some seconds after it has succeeded.
    harness.kubectl("wait", "pod", "--for=delete", "--timeout=120s", f"--selector=workflows.argoproj.io/workflow={run}")
    assert re.search(r"rounds, validation PR-AUC", served(finished, "aspen-train", "main-logs").text)
    lines = harness.pipeline("logs", run, "--step", "train", "--namespace", harness.NAMESPACE).splitlines()
    results = [line.partition(":")[0] for line in lines if "validation PR-AUC" in line]
    assert len(results) == len(set(results)) == 7


@pytest.mark.parametrize("pods", ["step", "cover-type", "all"])
def test_the_server_accepts_every_kind(pods: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGO_SERVER", SERVER)
    words = ("--namespace", harness.NAMESPACE, "--image", harness.IMAGE, "--pods", pods)
    name = harness.new_name()
    assert "kind: Workflow" in harness.pipeline("submit", "--dry-run", *words)
    try:
        for _ in range(2):  # in a second test it exists already
            harness.pipeline("deploy", "--name", name, "--schedule", "0 3 29 2 *", *words)
        form = harness.get("workflowtemplate", name)["spec"]["arguments"]["parameters"]
        assert {entry["name"]: entry.get("enum") for entry in form}["preset"] == ["fast", "default", "thorough", "gpu"]
        assert harness.get("cronworkflow", name)["spec"]["schedules"] == ["0 3 29 2 *"]
    finally:
        harness.kubectl("delete", "--ignore-not-found", f"workflowtemplate/{name}", f"cronworkflow/{name}")


def test_a_run_from_the_form_is_listed_and_described(monkeypatch: pytest.MonkeyPatch) -> None:
    template, run = harness.new_name(), harness.new_name()
    words = ("--namespace", harness.NAMESPACE, "--image", harness.IMAGE, "--cover-types", "4", "--pods", "cover-type")
    harness.pipeline("deploy", "--name", template, *words)
    parameters = [{"name": "rows", "value": "600"}, {"name": "preset", "value": "fast"}]
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": run},
        "spec": {"workflowTemplateRef": {"name": template}, "arguments": {"parameters": parameters}},
    }
    try:
        harness.kubectl("create", "--filename", "-", given=json.dumps(document))
        workflow = harness.wait(run)
        assert workflow["status"]["phase"] == "Succeeded", harness.phases(workflow)
        annotations = workflow["metadata"]["annotations"]
        assert annotations["workflows.argoproj.io/description"] == "fast, 600 rows"
        entry = {"run": run, "status": "Succeeded", "progress": "3/3"}
        assert entry in json.loads(harness.pipeline("status", "--json", "--namespace", harness.NAMESPACE))
        assert "Succeeded" in harness.pipeline("status", run, "--namespace", harness.NAMESPACE)
        monkeypatch.setenv("ARGO_SERVER", SERVER)
        assert entry in json.loads(harness.pipeline("status", "--json", "--namespace", harness.NAMESPACE))
    finally:
        harness.kubectl("delete", "--ignore-not-found", f"workflowtemplate/{template}")
