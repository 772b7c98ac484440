"""The commands for a cluster, against a server that answers as the Kubernetes API or argo-server."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.workflows.fake_api import FakeApi, status
from tests.workflows.fake_runs import (
    ARGO,
    KUBE,
    NAME,
    RECORDED,
    SERVER,
    created,
    invoke,
    log_path,
    running,
    with_node,
)
from tests.workflows.fake_store import serve_store

if TYPE_CHECKING:
    from pathlib import Path

# Hera's service calls pydantic's old `json`.
pytestmark = pytest.mark.filterwarnings("ignore:The `json` method is deprecated")

SMALL = ("--rows", "1000", "--cover-types", "aspen")


def test_submit_by_the_kubernetes_api(kube: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    kube.on(f"POST {KUBE}", (201, created("mine")))
    assert invoke("submit", *SMALL, "--name", "mine", "--label", "team=forest") == 0
    (request,) = kube.requests
    assert request.headers["Authorization"] == "Bearer secret-token"
    assert request.body["metadata"]["name"] == "mine"
    assert request.body["metadata"]["labels"]["team"] == "forest"
    out = capsys.readouterr().out
    assert "submitted mine to namespace covertype" in out
    assert "/workflows/covertype/mine" in out


def test_submit_by_argo_server(server: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    server.on(f"POST {SERVER}", (200, created("covertype-x7")))
    assert invoke("submit", *SMALL, "--json") == 0
    (request,) = server.requests
    assert request.headers["Authorization"] == "Bearer server-token"
    assert request.body["workflow"]["metadata"]["generateName"] == "covertype-"
    printed = capsys.readouterr()
    assert json.loads(printed.out)["link"] == f"{server.url}/workflows/covertype/covertype-x7"
    assert "submitted covertype-x7" in printed.err


@pytest.mark.parametrize("way", ["kube", "server"])
def test_a_dry_run_starts_nothing(way: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> None:
    api: FakeApi = request.getfixturevalue(way)
    api.on(f"POST {KUBE}", (201, created("x")))
    api.on(f"POST {SERVER}", (200, created("x")))
    assert invoke("submit", *SMALL, "--dry-run") == 0
    (sent,) = api.requests
    workflow = sent.body.get("workflow", sent.body)
    assert [template["name"] for template in workflow["spec"]["templates"]] == ["pipeline", "all"]
    assert "dryRun=All" in sent.query or sent.body["serverDryRun"] is True
    printed = capsys.readouterr()
    assert yaml.safe_load(printed.out)["kind"] == "Workflow"
    assert printed.err.startswith("pods: all in one, about ")
    assert "nothing was started" in printed.err


@pytest.mark.parametrize("verb", ["status", "logs", "stop", "retry", "fetch"])
@pytest.mark.parametrize("way", ["kube", "server"])
def test_no_such_run(
    way: str, verb: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    api: FakeApi = request.getfixturevalue(way)
    for path in (KUBE, SERVER):
        api.on(f"GET {path}/none", (404, status(404, 'workflows.argoproj.io "none" not found')))
    assert invoke(verb, "none", *(("--output", tmp_path) if verb == "fetch" else ())) == 66
    assert capsys.readouterr().err.startswith("error: no such workflow 'none'")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("submit", "--source", "./table.csv"), 66, "error: no such file, in ./table.csv: check --source"),
        (("deploy", "--source", "table.csv"), 2, "error: a path on this machine is not visible to the pods"),
        (("submit", "--label", "team"), 2, "error: 'team' is not a label, in --label: write KEY=VALUE"),
        (("submit", "--namespace", "No_Good"), 2, "error: namespace: "),
    ],
)
def test_a_mistake_is_seen_before_anything_is_sent(
    words: tuple[str, ...], code: int, message: str, kube: FakeApi, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(*words) == code
    err = capsys.readouterr().err
    assert err.startswith(message)
    assert len(err.splitlines()) == 1
    assert not kube.requests


def test_the_namespace_of_the_argo_tool(
    kube: FakeApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARGO_NAMESPACE", "team")
    kube.on("GET /apis/argoproj.io/v1alpha1/namespaces/team/workflows", (200, {"items": []}))
    kube.on(f"GET {KUBE}", (200, {"items": [RECORDED]}))
    assert invoke("status") == 0
    assert "no runs in namespace team yet" in capsys.readouterr().out
    assert invoke("status", "--namespace", "covertype") == 0
    assert NAME in capsys.readouterr().out
    monkeypatch.setenv("ARGO_NAMESPACE", "elsewhere")
    kube.on("POST /apis/argoproj.io/v1alpha1/namespaces/elsewhere/workflows", (201, created("x")))
    assert invoke("submit", *SMALL) == 0
    assert kube.requests[-1].body["metadata"]["namespace"] == "elsewhere"


def test_runs_are_listed_with_the_newest_last(kube: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    older = {"metadata": {"name": "older", "creationTimestamp": "2026-11-20T08:00:00Z"}, "status": {}}
    kube.on(f"GET {KUBE}", (200, {"items": [RECORDED, older]}))
    assert invoke("status", "--json", "--namespace", "covertype") == 0
    assert [run["run"] for run in json.loads(capsys.readouterr().out)] == ["older", NAME]
    assert invoke("status", "--namespace", "covertype") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == ["older", NAME]


def test_status_of_a_failed_run_names_the_reasons(kube: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    kube.on(f"GET {KUBE}/{NAME}", (200, RECORDED))
    kube.on(f"GET {log_path()}", (200, b"2026-11-21T09:00:00.000000000Z error: disk full\n"))
    assert invoke("status", NAME) == 0
    printed = capsys.readouterr()
    assert "spruce-fir" in printed.out
    assert printed.err == "error: step aspen-train failed: disk full\n"
    assert invoke("status", NAME, "--json") == 0
    assert json.loads(capsys.readouterr().out)["status"] == "Failed"


def test_status_of_a_run_that_continues_names_the_step_that_failed(
    kube: FakeApi, capsys: pytest.CaptureFixture[str]
) -> None:
    workflow = with_node("aspen-train(0)", message="OOMKilled (exit code 137)")
    kube.on(f"GET {KUBE}/{NAME}", (200, {**workflow, "status": {**workflow["status"], "phase": "Running"}}))
    kube.on(f"GET {log_path()}", (200, b""))
    assert invoke("status", NAME) == 0
    assert "raise steps.train.memory_limit in the config file" in capsys.readouterr().err


def test_logs_of_a_step_without_memory_name_the_setting(kube: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    kube.on(f"GET {KUBE}/{NAME}", (200, with_node("aspen-train(0)", message="OOMKilled (exit code 137)")))
    kube.on(f"GET {log_path()}", (200, b"2026-11-21T09:00:00.000000000Z rows\n"))
    assert invoke("logs", NAME, "--step", "train", "--cover-type", "aspen") == 0
    printed = capsys.readouterr()
    assert printed.out == "aspen-train: rows\n"
    assert printed.err.startswith("aspen-train: out of memory, its limit is ")
    assert "raise steps.train.memory_limit in the config file" in printed.err


def test_logs_of_a_pod_that_is_gone(kube: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    workflow = with_node("aspen-train(0)", outputs={})
    kube.on(f"GET {KUBE}/{NAME}", (200, workflow))
    kube.on(f"GET {log_path()}", (404, status(404, 'pods "p" not found')))
    assert invoke("logs", NAME, "--step", "train", "--cover-type", "aspen") == 0
    assert capsys.readouterr().err.startswith("no log of aspen-train: ")


def test_stop(kube: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    kube.on(f"GET {KUBE}/{NAME}", (200, running()), (200, RECORDED))
    kube.on(f"PATCH {KUBE}/{NAME}", (200, {}))
    assert invoke("stop", NAME) == 0
    assert kube.requests[-1].body == {"spec": {"shutdown": "Stop"}}
    assert kube.requests[-1].headers["Content-Type"] == "application/merge-patch+json"
    assert invoke("stop", NAME) == 0
    assert f"{NAME} has already ended as Failed" in capsys.readouterr().out


def test_retry(server: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    server.on(f"GET {SERVER}/{NAME}", (200, RECORDED), (200, running()))
    server.on(f"PUT {SERVER}/{NAME}/retry", (200, created(NAME)))
    assert invoke("retry", NAME) == 0
    assert server.requests[-1].method == "PUT"
    assert invoke("retry", NAME) == 2
    assert "only a run that has failed can be retried" in capsys.readouterr().err


def test_logs(server: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    server.on(f"GET {SERVER}/{NAME}", (200, RECORDED))
    lines = ["rows", 'time=2026-11-21T08:54:10.140Z level=INFO msg="sub-process exited" argo=true']
    entries = [{"result": {"content": f"2026-11-21T09:00:0{i}.000000000Z {line}"}} for i, line in enumerate(lines)]
    server.on(f"GET {SERVER}/{NAME}/log", (200, "\n".join(json.dumps(entry) for entry in entries).encode()))
    for flags in ((), ("--follow",)):
        assert invoke("logs", NAME, "--step", "train", "--cover-type", "aspen", *flags) == 0
        assert capsys.readouterr().out == "aspen-train: rows\n"
    assert invoke("logs", NAME, "--step", "nonsense") == 2
    assert invoke("logs", NAME, "--cover-type", "oak") == 2


def test_fetch_by_argo_server(server: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server.on(f"GET {SERVER}/{NAME}", (200, RECORDED))
    for node in RECORDED["status"]["nodes"].values():
        base = f"/artifact-files/covertype/workflows/{NAME}/{node['id']}/outputs"
        server.on(f"GET {base}/html", (200, b"<p>"))
        server.on(f"GET {base}/json", (200, b'{"cover_types": {}}'))
        server.on(f"GET {base}/model/", (200, b'<a href="..">..</a><a href="./model.ubj">model.ubj</a>'))
        server.on(f"GET {base}/model/model.ubj", (200, b"model"))
        server.on(f"GET {base}/model", (307, b""))
    assert invoke("fetch", NAME, "--output", tmp_path, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["directory"] == str(tmp_path / NAME)
    assert (tmp_path / NAME / "models" / "spruce-fir" / "model.ubj").read_bytes() == b"model"
    assert (tmp_path / NAME / "report.html").read_bytes() == b"<p>"


def test_fetch_from_the_store(kube: FakeApi, tmp_path: Path) -> None:
    """With a kubeconfig alone, artifacts come from the S3 store, by keys of the repository's secret."""
    document = json.loads(json.dumps(RECORDED))
    repository = document["status"]["artifactRepositoryRef"]["artifactRepository"]["s3"]
    kube.on(f"GET {KUBE}/{NAME}", (200, document))
    secret = {"accessKey": base64.b64encode(b"me").decode(), "secretKey": base64.b64encode(b"secret").decode()}
    kube.on("GET /api/v1/namespaces/covertype/secrets/artifact-store", (200, {"data": secret}))
    artifacts = [
        artifact
        for node in document["status"]["nodes"].values()
        for artifact in (node.get("outputs") or {}).get("artifacts", [])
    ]
    (tmp_path / "runs").mkdir()
    with serve_store() as store:
        repository["endpoint"] = store.endpoint
        for artifact in artifacts:
            folder = artifact["name"] == "model"
            store.objects[artifact["s3"]["key"] + "/model.ubj" * folder] = b"model" if folder else b"{}"
        assert invoke("fetch", NAME, "--output", tmp_path / "runs", "--json") == 0
    assert (tmp_path / "runs" / NAME / "models" / "spruce-fir" / "model.ubj").read_bytes() == b"model"
    assert all(header.startswith("AWS4-HMAC-SHA256 Credential=me/") for _, _, header in store.requests)


def test_deploy_by_the_kubernetes_api(kube: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    kube.on(f"PATCH {ARGO}/workflowtemplates/covertype", (201, {}))
    kube.on(f"PATCH {ARGO}/cronworkflows/covertype", (200, {}))
    assert invoke("deploy", *SMALL, "--schedule", "0 5 * * *") == 0
    assert [request.body["kind"] for request in kube.requests] == ["WorkflowTemplate", "CronWorkflow"]
    assert kube.requests[1].body["spec"]["schedules"] == ["0 5 * * *"]
    assert "CronWorkflow covertype is in namespace covertype" in capsys.readouterr().out


def test_deploy_by_argo_server_updates_what_is_there(server: FakeApi) -> None:
    there = (409, status(409, 'workflowtemplates.argoproj.io "covertype" already exists'))
    server.on("POST /api/v1/workflow-templates/covertype", there)
    version = {"metadata": {"name": "covertype", "resourceVersion": "7"}}
    server.on("GET /api/v1/workflow-templates/covertype/covertype", (200, version))
    server.on("PUT /api/v1/workflow-templates/covertype/covertype", (200, {**version, "spec": {}}))
    assert invoke("deploy", *SMALL) == 0
    assert server.requests[-1].body["template"]["metadata"]["resourceVersion"] == "7"
