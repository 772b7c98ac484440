"""The cluster verbs against a server that answers as the Kubernetes API or argo-server, well and badly."""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from steps.core import runtime
from tests.workflows.fake_api import FakeApi, serve, status
from workflows.cluster import http, watch
from workflows.covertype import app

if TYPE_CHECKING:
    from collections.abc import Iterator

# Hera's service calls pydantic's old `json`.
pytestmark = pytest.mark.filterwarnings("ignore:The `json` method is deprecated")

RECORDED: dict[str, Any] = json.loads((Path(__file__).parents[1] / "recorded_run.json").read_text())
NAME = RECORDED["metadata"]["name"]
KUBE = "/apis/argoproj.io/v1alpha1/namespaces/covertype/workflows"
SERVER = "/api/v1/workflows/covertype"
SMALL = ("--rows", "1000", "--cover-types", "aspen")
FORBIDDEN = (
    'workflows.argoproj.io is forbidden: User "jane" cannot create resource "workflows" in API group "argoproj.io" '
    'in the namespace "covertype"'
)


def invoke(*words: object) -> int:
    return runtime.run_to_exit_code(lambda: app(args=[str(word) for word in words], standalone_mode=False) or 0)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    for name in ("ARGO_SERVER", "ARGO_TOKEN", "ARGO_NAMESPACE", "ARGO_SECURE", "ARGO_BASE_HREF", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(watch.Pace, "__init__", _fast)
    with serve() as served:
        yield served


def _fast(self: watch.Pace) -> None:
    for name, value in (("interval", 0.01), ("patience", 0.3), ("pull_patience", 0.1)):
        object.__setattr__(self, name, value)


@pytest.fixture
def kube(api: FakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeApi:
    """The server as a Kubernetes API that the kubeconfig names."""
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig(tmp_path)))
    return api


@pytest.fixture
def server(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    """The server as argo-server, named as the argo command line tool has it."""
    monkeypatch.setenv("ARGO_SERVER", api.url.removeprefix("http://"))
    monkeypatch.setenv("ARGO_SECURE", "false")
    monkeypatch.setenv("ARGO_TOKEN", "server-token")
    return api


def running(phase: str = "Running", message: str = "", node_phase: str = "Pending") -> dict[str, Any]:
    """Return a run whose first step has a pod."""
    node = {"id": f"{NAME}-1", "name": f"{NAME}.prepare(0)", "type": "Pod", "phase": node_phase, "message": message}
    state = {"phase": phase, "nodes": {"1": {**node, "templateName": "prepare"}}}
    return {**RECORDED, "status": state}


def created(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "covertype"}, "spec": {}}


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
    assert "dryRun=All" in sent.query or sent.body["serverDryRun"] is True
    printed = capsys.readouterr()
    assert yaml.safe_load(printed.out)["kind"] == "Workflow"
    assert "nothing was started" in printed.err


@pytest.mark.parametrize("way", ["kube", "server"])
@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        ((401, status(401, "Unauthorized")), 77, "the server does not know who asks (Unauthorized)"),
        ((403, status(403, FORBIDDEN)), 77, "jane may not create workflows.argoproj.io in namespace covertype"),
        ((403, status(403, 'exceeded quota "q"')), 77, 'exceeded quota "q"'),
        ((404, status(404, 'namespaces "covertype" not found')), 66, "no such namespace 'covertype'"),
        ((404, b"404 page not found\n"), 69, "Argo Workflows does not answer here"),
        ((409, status(409, 'workflows.argoproj.io "mine" already exists')), 2, "there is a 'mine' already"),
        ((400, status(400, "spec.x: unknown field")), 78, "the server refuses this (400: spec.x: unknown field)"),
        ((500, status(500, "etcd is away")), 75, "the server failed (500: etcd is away)"),
        ((503, b"<html>bad gateway"), 75, "the server failed (503: <html>bad gateway)"),
    ],
)
def test_an_answer_that_is_no_good_is_one_line_and_a_code(  # noqa: PLR0913, PLR0917 - fixtures and cases
    way: str,
    answer: tuple[int, Any],
    code: int,
    message: str,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    api: FakeApi = request.getfixturevalue(way)
    api.on(f"POST {KUBE}", answer)
    api.on(f"POST {SERVER}", answer)
    assert invoke("submit", *SMALL, "--name", "mine") == code
    err = capsys.readouterr().err
    assert err.startswith(f"error: {message}, in http://127.0.0.1:")
    assert len(err.splitlines()) == 1


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


def test_argo_servers_own_words_for_a_missing_right(server: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    words = 'Permission denied, you are not allowed to list workflows in namespace "covertype".'
    server.on(f"GET {SERVER}", (403, {"code": 7, "message": words}))
    assert invoke("status") == 77
    err = capsys.readouterr().err
    assert "may not list workflows.argoproj.io in namespace covertype" in err
    assert "kubectl auth can-i list workflows.argoproj.io -n covertype" in err


@pytest.mark.parametrize("way", ["kube", "server"])
def test_a_server_that_hangs_ends_in_time(
    way: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    api: FakeApi = request.getfixturevalue(way)
    monkeypatch.setattr(http, "TIMEOUT", (0.2, 0.2))
    for path in (KUBE, SERVER):
        api.on(f"POST {path}", (0, None))
        api.on(f"GET {path}", (0, None))
    assert invoke("submit", *SMALL) == 69
    assert invoke("status") == 69
    assert capsys.readouterr().err.count("error: no answer in time, in http://127.0.0.1:") == 2


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("ARGO_SERVER", f"http://127.0.0.1:{closed.getsockname()[1]}")
        assert invoke("status") == 69
    assert capsys.readouterr().err.startswith("error: connection refused, in http://127.0.0.1:")


@pytest.mark.parametrize("address", ["http://", "https:///", "/"])
def test_an_address_without_a_host(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARGO_SERVER", address)
    assert invoke("status") == 78
    assert capsys.readouterr().err == "error: there is no host, in ARGO_SERVER: write host:port\n"


def test_no_kubeconfig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("ARGO_SERVER", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert invoke("status") == 78
    assert "set KUBECONFIG, or ARGO_SERVER" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("submit", "--source", "./table.csv"), 2, "error: a path on this machine is not visible to the pods"),
        (("deploy", "--source", "table.csv"), 2, "error: a path on this machine is not visible to the pods"),
        (("submit", "--label", "team"), 2, "error: 'team' is no label, in --label: write KEY=VALUE"),
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


def test_waiting_goes_on_through_failures_and_ends_with_the_steps_own_words(
    kube: FakeApi, capsys: pytest.CaptureFixture[str]
) -> None:
    kube.on(f"POST {KUBE}", (201, created(NAME)))
    bad = (500, status(500, "away"))
    kube.on(f"GET {KUBE}/{NAME}", (200, running()), bad, bad, (200, running(node_phase="Running")), (200, RECORDED))
    pod = next(node["id"] for node in RECORDED["status"]["nodes"].values() if node["name"].endswith("aspen.train(0)"))
    log = "2026-11-21T09:00:00.000000000Z error: something of the step's own\n2026-11-21T09:00:01.000000000Z after\n"
    path = f"/api/v1/namespaces/covertype/pods/{NAME}-train-aspen-{pod.rpartition('-')[2]}/log"
    kube.on(f"GET {path}", (200, log.encode()))
    assert invoke("submit", *SMALL, "--wait", "--json") == 1
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert (result["run"], result["status"], result["exit_code"]) == (NAME, "Failed", 1)
    assert result["failed_steps"] == {"aspen.train": "something of the step's own"}
    assert "the server failed (500: away)" in printed.err
    assert "connected again" in printed.err
    assert "error: step aspen.train failed: something of the step's own" in printed.err


LATE = "Pod was active on the node longer than the specified deadline"


@pytest.mark.parametrize(("own", "shown"), [("error: disk full", "disk full"), (f"error: {runtime.TERMINATION}", LATE)])
def test_why_a_step_was_terminated_is_what_argo_says(
    kube: FakeApi, capsys: pytest.CaptureFixture[str], own: str, shown: str
) -> None:
    [found] = [node for node in RECORDED["status"]["nodes"].values() if node["name"].endswith("aspen.train(0)")]
    late = json.loads(json.dumps(RECORDED))
    for node in late["status"]["nodes"].values():
        if "aspen.train" in node["name"]:
            node["message"] = LATE
    kube.on(f"GET {KUBE}/{NAME}", (200, late))
    path = f"/api/v1/namespaces/covertype/pods/{NAME}-train-aspen-{found['id'].rpartition('-')[2]}/log"
    kube.on(f"GET {path}", (200, f"2026-11-21T09:00:00.000000000Z {own}\n".encode()))
    assert invoke("status", NAME) == 0
    assert f"error: step aspen.train failed: {shown}" in capsys.readouterr().err


def test_waiting_gives_a_dead_server_up(kube: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    kube.on(f"GET {KUBE}/{NAME}", (503, status(503, "away")))
    assert invoke("status", NAME, "--watch") == 69
    assert f"look again with `status {NAME} --watch`" in capsys.readouterr().err


PULLING = 'ImagePullBackOff: Back-off pulling image "nowhere:1"'


def test_an_image_that_cannot_be_pulled_ends_the_wait(kube: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    kube.on(f"POST {KUBE}", (201, created(NAME)))
    first, between = running(message="ErrImagePull: no such host"), running(message="PodInitializing")
    kube.on(f"GET {KUBE}/{NAME}", (200, first), (200, between), (200, running(message=PULLING)))
    assert invoke("submit", *SMALL, "--wait") == 78
    said, error = capsys.readouterr().err.splitlines()
    assert said == "cannot pull the image of step prepare (ErrImagePull: no such host) yet: trying again for 0 s"
    assert error.startswith(f"error: cannot pull the image of step prepare ({PULLING}), in {NAME}: push or load")
    assert f"`stop {NAME}`" in error
    assert len(kube.requests) > 4
    assert invoke("status", NAME) == 0
    assert "✗ no image" in capsys.readouterr().out


def test_a_pull_that_succeeds_later_is_waited_for(
    kube: FakeApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    kube.on(f"POST {KUBE}", (201, created(NAME)))
    pulling = [(200, running(message=PULLING))] * 2
    kube.on(f"GET {KUBE}/{NAME}", *pulling, (200, running(node_phase="Running")), (200, succeeded()))
    assert invoke("submit", *SMALL, "--wait") == 0
    assert [line.partition(" (")[0] for line in capsys.readouterr().err.splitlines()] == [
        "cannot pull the image of step prepare",
        "the image of step prepare was pulled",
    ]


def succeeded() -> dict[str, Any]:
    return {**RECORDED, "status": {"phase": "Succeeded", "nodes": {}}}


@pytest.mark.parametrize("reason", ["InvalidImageName", "ErrImageNeverPull"])
def test_an_image_that_nobody_will_pull_ends_the_wait_at_once(
    kube: FakeApi, capsys: pytest.CaptureFixture[str], reason: str
) -> None:
    kube.on(f"GET {KUBE}/{NAME}", (200, running(message=f"{reason}: bad")))
    assert invoke("status", NAME, "--watch") == 78
    assert capsys.readouterr().err.startswith(f"error: cannot pull the image of step prepare ({reason}: bad)")
    assert len(kube.requests) == 1


def test_a_limited_wait_names_the_image_that_it_waited_for(kube: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    kube.on(f"POST {KUBE}", (201, created(NAME)))
    kube.on(f"GET {KUBE}/{NAME}", (200, running(message=PULLING)))
    assert invoke("submit", *SMALL, "--wait", "--wait-timeout", "0.05") == 75
    wanted = f"error: {NAME} is Running after 0.05 s without the image of step prepare ({PULLING}) and goes on"
    assert wanted in capsys.readouterr().err


def test_the_wait_can_be_limited(kube: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    kube.on(f"POST {KUBE}", (201, created(NAME)))
    kube.on(f"GET {KUBE}/{NAME}", (200, running()))
    assert invoke("submit", *SMALL, "--wait", "--wait-timeout", "0.05") == 75
    assert f"error: {NAME} is Running after 0.05 s and goes on" in capsys.readouterr().err


@pytest.mark.parametrize(("ending", "code"), [(KeyboardInterrupt, 130), (runtime.TerminatedError, 143)])
def test_a_signal_only_stops_looking(
    kube: FakeApi,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ending: type[BaseException],
    code: int,
) -> None:
    kube.on(f"GET {KUBE}/{NAME}", (200, running()))

    def interrupt(_: float) -> None:
        raise ending

    monkeypatch.setattr("time.sleep", interrupt)
    assert invoke("status", NAME, "--watch") == code
    assert capsys.readouterr().err.startswith(f"error: detached, {NAME} goes on: look again with")
    assert {request.method for request in kube.requests} == {"GET"}


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


def test_retry_without_argo(kube: FakeApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    kube.on(f"GET {KUBE}/{NAME}", (200, RECORDED))
    monkeypatch.setenv("PATH", "/nowhere")
    assert invoke("retry", NAME) == 2
    assert "set ARGO_SERVER, or install the argo tool" in capsys.readouterr().err


def test_logs(server: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    server.on(f"GET {SERVER}/{NAME}", (200, RECORDED))
    lines = ["rows", 'time=2026-11-21T08:54:10.140Z level=INFO msg="sub-process exited" argo=true']
    entries = [{"result": {"content": f"2026-11-21T09:00:0{i}.000000000Z {line}"}} for i, line in enumerate(lines)]
    server.on(f"GET {SERVER}/{NAME}/log", (200, "\n".join(json.dumps(entry) for entry in entries).encode()))
    for flags in ((), ("--follow",)):
        assert invoke("logs", NAME, "--step", "train", "--cover-type", "aspen", *flags) == 0
        assert capsys.readouterr().out == "aspen.train: rows\n"
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
    place = document["status"]["artifactRepositoryRef"]["artifactRepository"]["s3"]
    place["endpoint"] = kube.url.removeprefix("http://")
    kube.on(f"GET {KUBE}/{NAME}", (200, document))
    secret = {"accessKey": base64.b64encode(b"me").decode(), "secretKey": base64.b64encode(b"secret").decode()}
    kube.on("GET /api/v1/namespaces/covertype/secrets/artifact-store", (200, {"data": secret}))
    artifacts = [
        artifact
        for node in document["status"]["nodes"].values()
        for artifact in (node.get("outputs") or {}).get("artifacts", [])
    ]
    model = next(artifact["s3"]["key"] for artifact in artifacts if artifact["name"] == "model")
    listing = f'<L xmlns="http://s3"><Contents><Key>{model}/model.ubj</Key></Contents></L>'
    kube.on("GET /artifacts", (200, b"<L/>"))
    for artifact in artifacts:
        kube.on(f"GET /artifacts/{artifact['s3']['key']}", (200, b"{}"))
    kube.on(f"GET /artifacts/{model}/model.ubj", (200, b"model"))
    kube.listing = (model, listing.encode())
    (tmp_path / "runs").mkdir()
    assert invoke("fetch", NAME, "--output", tmp_path / "runs", "--json") == 0
    assert (tmp_path / "runs" / NAME / "models" / "spruce-fir" / "model.ubj").read_bytes() == b"model"
    signed = [request for request in kube.requests if request.path.startswith("/artifacts")]
    assert all(request.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=me/") for request in signed)


def test_deploy_by_the_kubernetes_api(kube: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    base = KUBE.removesuffix("workflows")
    kube.on(f"PATCH {base}workflowtemplates/covertype", (201, {}))
    kube.on(f"PATCH {base}cronworkflows/covertype", (200, {}))
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
