"""A cluster by argo-server: its address, what is sent, and the answers that Hera cannot read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from steps.core.errors import BadConfigurationError
from tests.workflows.fake_api import FakeApi, status
from tests.workflows.fake_runs import NAME, RECORDED, SERVER, created
from workflows.cluster import argo_server, connect_to_cluster, nodes
from workflows.cluster.argo_server import ServerClient, address

if TYPE_CHECKING:
    from pathlib import Path

# Hera's service calls pydantic's old `json`.
pytestmark = pytest.mark.filterwarnings("ignore:The `json` method is deprecated")

TRAIN = nodes.read(RECORDED).steps["spruce-fir", "train"]
WORKFLOW = {"metadata": {"generateName": "covertype-"}, "spec": {"entrypoint": "pipeline"}}


def test_with_argo_server_it_is_argo_server() -> None:
    client = connect_to_cluster("covertype", {"ARGO_SERVER": "host:2746"})
    assert isinstance(client, ServerClient)
    assert (client.namespace, client.server) == ("covertype", "https://host:2746")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"ARGO_SERVER": "host:2746"}, "https://host:2746"),
        ({"ARGO_SERVER": " host:2746/\n"}, "https://host:2746"),
        ({"ARGO_SERVER": "host:2746", "ARGO_SECURE": "false"}, "http://host:2746"),
        ({"ARGO_SERVER": "http://host:2746"}, "http://host:2746"),
        ({"ARGO_SERVER": "host", "ARGO_BASE_HREF": "/argo/"}, "https://host/argo"),
    ],
)
def test_the_address(environment: dict[str, str], expected: str) -> None:
    assert address(environment) == expected


@pytest.mark.parametrize("given", ["http://", "https:///", "/"])
def test_an_address_without_a_host(given: str) -> None:
    with pytest.raises(BadConfigurationError, match=r"^the host is missing, in ARGO_SERVER: write host:port$"):
        address({"ARGO_SERVER": given})


def test_an_address_with_another_scheme() -> None:
    with pytest.raises(BadConfigurationError, match="unknown scheme 'ftp', in ARGO_SERVER"):
        address({"ARGO_SERVER": "ftp://host"})


@pytest.mark.parametrize("variable", ["true", "false", ""])
def test_a_certificate_that_nobody_signed_is_accepted_where_that_is_asked_for(variable: str) -> None:
    environment = {"ARGO_SERVER": "host", "ARGO_INSECURE_SKIP_VERIFY": variable}
    assert ServerClient("covertype", environment)._session.verify == (variable != "true")


@pytest.mark.parametrize("dry_run", [False, True])
def test_create(server: FakeApi, server_client: ServerClient, dry_run: bool) -> None:  # noqa: FBT001 - a case
    server.on(f"POST {SERVER}", (200, created("covertype-x7")))
    answer = server_client.create(WORKFLOW, dry_run=dry_run)
    assert answer == {"metadata": {"name": "covertype-x7", "namespace": "covertype"}}
    [request] = server.requests
    assert request.headers["Authorization"] == "Bearer server-token"
    assert request.body["workflow"]["metadata"]["generateName"] == "covertype-"
    assert request.body["serverDryRun"] is dry_run


@pytest.mark.parametrize("token", ["Bearer word", "Basic word"])
def test_a_token_with_its_type(server: FakeApi, token: str) -> None:
    server.on(f"GET {SERVER}", (200, {"items": None}))
    environment = {"ARGO_SERVER": server.url, "ARGO_TOKEN": f"{token}\n"}
    assert ServerClient("covertype", environment).list() == []
    assert server.requests[0].headers["Authorization"] == token


def test_list_and_get(server: FakeApi, server_client: ServerClient) -> None:
    server.on(f"GET {SERVER}", (200, {"items": [RECORDED]}))
    server.on(f"GET {SERVER}/{NAME}", (200, RECORDED))
    assert server_client.list() == [RECORDED]
    assert server_client.get(NAME) == RECORDED
    query = unquote(server.requests[0].query)
    assert "fields=items.metadata.name" in query
    assert {"items.status.nodes.phase", "items.spec.templates.dag.tasks.name"} <= set(query.split(","))


def test_the_selected_fields_are_enough_to_count_the_steps() -> None:
    """As the server selects them: ``util/fields/fields.go``."""
    wanted = argo_server._FIELDS.replace("items.", "").split(",")

    def selected(value: Any, path: str = "") -> Any:
        if isinstance(value, list):
            return [selected(entry, path) for entry in value]
        if path == "status.nodes":
            return {
                key: {name: node.get(name) for name in ("id", "name", "type", "phase")} for key, node in value.items()
            }
        if not isinstance(value, dict):
            return value
        paths = {key: f"{path}.{key}".strip(".") for key in value}
        return {
            key: entry if paths[key] in wanted else selected(entry, paths[key])
            for key, entry in value.items()
            if any(name == paths[key] or name.startswith(f"{paths[key]}.") for name in wanted)
        }

    lean = selected(RECORDED)
    assert nodes.read(lean).progress == nodes.read(RECORDED).progress == "12/12"


def test_stop_retry_and_delete(server: FakeApi, server_client: ServerClient) -> None:
    for verb in ("stop", "retry"):
        server.on(f"PUT {SERVER}/{NAME}/{verb}", (200, created(NAME)))
    server.on(f"DELETE {SERVER}/{NAME}", (200, {}))
    server_client.stop(NAME)
    server_client.retry(NAME)
    server_client.delete(NAME)
    assert [request.method for request in server.requests] == ["PUT", "PUT", "DELETE"]


def test_log(server: FakeApi, server_client: ServerClient) -> None:
    entries: list[dict[str, Any]] = [{"result": {"content": "1 a"}}, {"error": {}}, {"result": {}}]
    server.on(f"GET {SERVER}/{NAME}/log", (200, "\n".join(json.dumps(entry) for entry in entries).encode()))
    assert server_client.log(NAME, TRAIN, tail=5) == ["1 a", ""]
    query = server.requests[0].query
    assert f"podName={TRAIN.pod}" in query
    assert "logOptions.tailLines=5" in query
    assert "sinceSeconds" not in query


@pytest.mark.parametrize(
    ("kind", "path", "entry"),
    [("WorkflowTemplate", "workflow-templates", "template"), ("CronWorkflow", "cron-workflows", "cronWorkflow")],
)
@pytest.mark.parametrize("exists", [False, True])
def test_apply(  # noqa: PLR0913 - fixtures and cases
    server: FakeApi, server_client: ServerClient, *, kind: str, path: str, entry: str, exists: bool
) -> None:
    spec = {"workflowSpec": {}, "schedules": ["0 5 * * *"]} if kind == "CronWorkflow" else {}
    document = {"metadata": {"name": "covertype"}, "spec": spec}
    version = {**document, "metadata": {"name": "covertype", "resourceVersion": "7"}}
    message = f'{kind.lower()}s.argoproj.io "covertype" already exists'
    server.on(f"POST /api/v1/{path}/covertype", (409, status(409, message)) if exists else (200, document))
    server.on(f"GET /api/v1/{path}/covertype/covertype", (200, version))
    server.on(f"PUT /api/v1/{path}/covertype/covertype", (200, version))
    server_client.apply({**document, "kind": kind, "apiVersion": "argoproj.io/v1alpha1"})
    assert [request.method for request in server.requests] == (["POST", "GET", "PUT"] if exists else ["POST"])
    sent = server.requests[-1].body[entry]["metadata"]
    assert sent.get("resourceVersion") == ("7" if exists else None)


def test_download(server: FakeApi, server_client: ServerClient, tmp_path: Path) -> None:
    base = f"/artifact-files/covertype/workflows/{NAME}/{TRAIN.node}/outputs"
    server.on(f"GET {base}/usage", (200, b"{}"))
    server.on(f"GET {base}/model", (307, b""))
    links = b'<a href="..">..</a><a href="./model.ubj">model.ubj</a>', b'<a href="./a%20%26amp%3B.json">a</a>'
    listing = b"".join([*links, b'<a href="./sub/">s</a>'])
    server.on(f"GET {base}/model/", (200, listing))
    server.on(f"GET {base}/model/model.ubj", (200, b"model"))
    server.on(f"GET {base}/model/sub", (307, b""))
    server.on(f"GET {base}/model/sub/", (200, b'<a href="./model.ubj">model.ubj</a>'))
    server.on(f"GET {base}/model/sub/model.ubj", (200, b"below"))
    server.on(f"GET {base}/model/a%20%26amp%3B.json", (200, b"{}"))
    server_client.download(RECORDED, TRAIN, "usage", tmp_path / "usage.json")
    server_client.download(RECORDED, TRAIN, "model", tmp_path / "model")
    assert (tmp_path / "usage.json").read_bytes() == b"{}"
    folder = tmp_path / "model"
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert files == {"model.ubj": b"model", "a &amp;.json": b"{}", "sub/model.ubj": b"below"}


def test_the_link(server: FakeApi, server_client: ServerClient) -> None:
    assert server_client.link("mine") == f"{server.url}/workflows/covertype/mine"
