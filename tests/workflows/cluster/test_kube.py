"""A cluster by its Kubernetes API: what is sent, with which login, and what cannot be read."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
import yaml

from steps.core.errors import BadConfigurationError, NoInputError, PipelineError, UnavailableError, UsageError
from tests.workflows.fake_api import FakeApi, status
from tests.workflows.fake_runs import ARGO, CORE, KUBE, RECORDED, created, log_path
from tests.workflows.fake_store import BUCKET, serve_store
from workflows.cluster import connect_to_cluster, kube, nodes
from workflows.cluster.kube import KubeClient

if TYPE_CHECKING:
    from pathlib import Path

TRAIN = nodes.read(RECORDED).steps["aspen", "train"]


def test_without_argo_server_it_is_the_kubernetes_api(kube: FakeApi) -> None:
    client = connect_to_cluster("covertype", {"KUBECONFIG": os.environ["KUBECONFIG"], "ARGO_SERVER": ""})
    assert isinstance(client, KubeClient)
    assert (client.namespace, client.server) == ("covertype", kube.url)


@pytest.mark.parametrize("dry_run", [False, True])
def test_create(kube: FakeApi, kube_client: KubeClient, dry_run: bool) -> None:  # noqa: FBT001 - a case
    kube.on(f"POST {KUBE}", (201, created("mine")))
    assert kube_client.create({"metadata": {"name": "mine"}}, dry_run=dry_run) == created("mine")
    [request] = kube.requests
    assert request.body == {"metadata": {"name": "mine"}}
    assert request.headers["Authorization"] == "Bearer secret-token"
    assert ("dryRun=All" in request.query) == dry_run
    assert "fieldManager=covertype" in request.query
    assert "fieldValidation=Strict" in request.query


def test_list_and_get(kube: FakeApi, kube_client: KubeClient) -> None:
    kube.on(f"GET {KUBE}", (200, {"items": [RECORDED]}))
    kube.on(f"GET {KUBE}/mine", (200, RECORDED))
    assert kube_client.list() == [RECORDED]
    assert kube_client.get("mine") == RECORDED
    assert unquote(kube.requests[0].query) == "labelSelector=app.kubernetes.io/name=covertype"


def test_stop_and_delete(kube: FakeApi, kube_client: KubeClient) -> None:
    kube.on(f"PATCH {KUBE}/mine", (200, {}))
    kube.on(f"DELETE {KUBE}/mine", (200, {}))
    kube_client.stop("mine")
    kube_client.delete("mine")
    stop, delete = kube.requests
    assert (stop.body, stop.headers["Content-Type"]) == (
        {"spec": {"shutdown": "Stop"}},
        "application/merge-patch+json",
    )
    assert delete.method == "DELETE"


@pytest.mark.parametrize("kind", ["WorkflowTemplate", "CronWorkflow"])
def test_apply(kube: FakeApi, kube_client: KubeClient, kind: str) -> None:
    kube.on(f"PATCH {ARGO}/{kind.lower()}s/covertype", (200, {}))
    document = {"kind": kind, "metadata": {"name": "covertype"}}
    kube_client.apply(document)
    [request] = kube.requests
    assert (request.body, request.headers["Content-Type"]) == (document, "application/apply-patch+yaml")
    assert sorted(request.query.split("&")) == ["fieldManager=covertype", "force=true"]


def test_log(kube: FakeApi, kube_client: KubeClient) -> None:
    kube.on(f"GET {log_path()}", (200, b"1 a\n2 \xff\n"))
    assert kube_client.log("mine", TRAIN) == ["1 a", "2 \ufffd"]
    assert kube_client.log("mine", TRAIN, tail=5, seconds=7) == ["1 a", "2 \ufffd"]
    assert kube.requests[0].query == "container=main&timestamps=true"
    assert set(kube.requests[1].query.split("&")) == {
        "container=main",
        "timestamps=true",
        "tailLines=5",
        "sinceSeconds=7",
    }


def test_the_log_of_a_pod_that_is_gone(kube_client: KubeClient, kube: FakeApi) -> None:
    kube.on(f"GET {log_path()}", (404, status(404, f'pods "{TRAIN.pod}" not found')))
    with pytest.raises(NoInputError, match="not found"):
        kube_client.log("mine", TRAIN)


@pytest.mark.parametrize("data", [None, {}, {"a": "YQ=="}])
def test_secret(kube: FakeApi, kube_client: KubeClient, data: dict[str, str] | None) -> None:
    kube.on(f"GET {CORE}/secrets/store", (200, {"data": data}))
    assert kube_client.secret("store") == (data or {})


def test_download_takes_the_keys_from_the_secret(kube: FakeApi, kube_client: KubeClient, tmp_path: Path) -> None:
    value = base64.b64encode(b"something").decode()
    kube.on(f"GET {CORE}/secrets/store", (200, {"data": {"a": value, "b": value}}))
    selectors = {"accessKeySecret": {"name": "store", "key": "a"}, "secretKeySecret": {"name": "store", "key": "b"}}
    step = nodes.Step(("report",), artifacts={"html": {"name": "html", "s3": {"key": "run/html"}}})
    with serve_store() as store:
        store.objects = {"run/html": b"<p>"}
        repository = {"s3": {"bucket": BUCKET, "endpoint": store.endpoint, "insecure": True, **selectors}}
        workflow = {"status": {"artifactRepositoryRef": {"artifactRepository": repository}}}
        kube_client.download(workflow, step, "html", tmp_path / "report.html")
    assert (tmp_path / "report.html").read_bytes() == b"<p>"


def test_an_answer_that_is_no_json(kube: FakeApi, kube_client: KubeClient) -> None:
    kube.on(f"GET {KUBE}/mine", (200, b"<html>log in first"))
    with pytest.raises(UnavailableError, match=f"the answer is not JSON, in {kube.url}: check the server"):
        kube_client.get("mine")


def test_the_link(kube_client: KubeClient) -> None:
    assert kube_client.link("mine").startswith("https://localhost:2746/workflows/covertype/mine (after kubectl")


def argo(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install an argo command line tool: a shell script."""
    path = folder / "argo"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_retry_is_left_to_the_argo_tool(
    kube_client: KubeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGO_SERVER", "elsewhere")
    argo(tmp_path, f'echo "$@ [$ARGO_SERVER]" > {tmp_path}/words', monkeypatch)
    kube_client.retry("mine")
    assert (tmp_path / "words").read_text() == "retry mine --namespace covertype []\n"


def test_a_retry_that_fails_shows_no_token(
    kube_client: KubeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    argo(tmp_path, "echo 'bad token secret-token' >&2; exit 1", monkeypatch)
    with pytest.raises(PipelineError, match=r"^argo retry failed: bad token \*\*\*$"):
        kube_client.retry("mine")


def test_a_retry_that_hangs(kube_client: KubeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube, "_RETRY_SECONDS", 0.1)
    argo(tmp_path, "exec sleep 30", monkeypatch)
    with pytest.raises(UnavailableError, match="no answer in time, in argo retry"):
        kube_client.retry("mine")


def test_retry_without_argo(kube_client: KubeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match="set ARGO_SERVER, or install the argo tool"):
        kube_client.retry("mine")


def edited(api: FakeApi, folder: Path, entry: str, values: dict[str, Any]) -> dict[str, str]:
    """Return an environment whose kubeconfig has other values in its cluster or user."""
    path = api.kubeconfig(folder)
    document = yaml.safe_load(path.read_text())
    document[f"{entry}s"][0][entry].update(values)
    path.write_text(yaml.safe_dump(document))
    return {"KUBECONFIG": str(path)}


def test_a_token_with_white_space_around_it(api: FakeApi, tmp_path: Path) -> None:
    api.on(f"GET {KUBE}", (200, {"items": []}))
    KubeClient("covertype", edited(api, tmp_path, "user", {"token": "of-a-file\n"})).list()
    assert api.requests[0].headers["Authorization"] == "Bearer of-a-file"


def test_a_token_that_no_header_can_carry(api: FakeApi, tmp_path: Path) -> None:
    client = KubeClient("covertype", edited(api, tmp_path, "user", {"token": "s3cr3t\nline"}))
    with pytest.raises(BadConfigurationError, match="in the token of the kubeconfig") as caught:
        client.list()
    assert "s3cr3t" not in str(caught.value)
    assert not api.requests


def test_a_proxy_of_the_kubeconfig_is_used(api: FakeApi, tmp_path: Path) -> None:
    environment = edited(api, tmp_path, "cluster", {"proxy-url": api.url, "server": "http://kube.invalid"})
    api.on(f"GET http://kube.invalid{KUBE}", (200, {"items": [RECORDED]}))
    assert KubeClient("covertype", environment).list() == [RECORDED]


def test_a_server_name_of_the_kubeconfig_is_used(api: FakeApi, tmp_path: Path) -> None:
    environment = edited(api, tmp_path, "cluster", {"tls-server-name": "kube.example"})
    assert kube.load_configuration(environment).tls_server_name == "kube.example"


@pytest.mark.parametrize("where", ["user", "query"])
def test_an_address_with_a_password(where: str, api: FakeApi, tmp_path: Path) -> None:
    server = "http://me:s3cr3t@host" if where == "user" else "http://host?token=s3cr3t"
    with pytest.raises(BadConfigurationError, match="in the server of the kubeconfig") as caught:
        KubeClient("covertype", edited(api, tmp_path, "cluster", {"server": server}))
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such kubeconfig file"),
        ("users: [", "it cannot be read"),
        ("[1]", "it cannot be read"),
        ("contexts: []\ncurrent-context: none\nclusters: []\nusers: []\n", "Invalid kube-config file"),
    ],
)
def test_a_kubeconfig_that_is_none(content: str | None, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadConfigurationError, match=f"cannot connect to a cluster: {reason}") as caught:
        KubeClient("covertype", {"KUBECONFIG": str(path)})
    assert str(caught.value).endswith(f", in KUBECONFIG {path}: set KUBECONFIG, or ARGO_SERVER")


def test_in_a_pod_the_service_account_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kubernetes.config import incluster_config

    for name, content in (("token", "of-the-pod\n"), ("ca.crt", "certificate")):
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    configuration = kube.load_configuration({"KUBECONFIG": str(tmp_path / "none")})
    assert configuration.host == "https://10.0.0.1:443"
    assert configuration.auth_settings()["BearerToken"]["value"] == "bearer of-the-pod"
