"""The Deployment of ``serve`` as a cluster describes it, and the patch that changes it."""

from __future__ import annotations

import copy
import dataclasses
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from steps.core.errors import BadConfigurationError, UnavailableError
from tests.workflows import fake_service
from tests.workflows.fake_service import deployment, pod
from workflows.cluster.serving.deployment import Service, ServingClient, Target, troubles_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.workflows.fake_api import FakeApi


@pytest.fixture
def client(kube: FakeApi) -> ServingClient:  # noqa: ARG001 - the environment names it
    return ServingClient("covertype", os.environ)


def test_what_the_pods_run_is_found_in_any_position() -> None:
    service = Service.read(deployment("v1", "serve:7"))
    assert service.target == Target("v1", "serve:7")
    assert (service.container, service.variable) == (1, 1)


@pytest.mark.parametrize("change", ["name", "env"])
def test_another_deployment_is_refused(change: str) -> None:
    document = deployment("v1")
    document["spec"]["template"]["spec"]["containers"][1][change] = "x" if change == "name" else []
    with pytest.raises(BadConfigurationError, match="no variable COVERTYPE_VERSION"):
        Service.read(document)


def apply(document: dict[str, Any], operations: list[dict[str, Any]]) -> dict[str, Any]:
    """Apply a JSON patch of tests and replacements; AssertionError if a test fails."""
    changed = copy.deepcopy(document)
    for each in operations:
        *above, last = [int(part) if part.isdigit() else part for part in each["path"].split("/")[1:]]
        parent: Any = changed
        for part in above:
            parent = parent[part]
        if each["op"] == "test":
            assert parent[last] == each["value"]
        else:
            parent[last] = each["value"]
    return changed


def test_the_patch_changes_both_and_only_if_nobody_else_did() -> None:
    service, target = Service.read(deployment("v1")), Target("v2", "serve:2")
    changed = apply(deployment("v1"), service.operations(target))
    assert changed == deployment("v2", "serve:2")
    for other in (deployment("v9"), deployment("v1", "serve:9")):
        with pytest.raises(AssertionError):
            apply(other, service.operations(target))


@pytest.mark.parametrize(
    ("document", "progress", "complete"),
    [
        (deployment("v1"), (2, 0), True),
        (deployment("v1", ready=1, old=2), (1, 2), False),
        (deployment("v1", ready=2, old=1), (2, 1), False),
        (deployment("v1", ready=1), (1, 0), False),
        (deployment("v1", observedGeneration=2), (0, 2), False),  # the controller has not seen the change yet
        (deployment("v1", availableReplicas=1), (1, 0), False),
        (deployment("v1", ready=1, old=2, availableReplicas=2), (0, 2), False),
        (deployment("v1", ready=0, pods=0), (0, 0), True),
    ],
)
def test_progress(document: dict[str, Any], progress: tuple[int, int], *, complete: bool) -> None:
    service = Service.read(document)
    assert (service.progress, service.complete) == (progress, complete)


def test_a_deployment_without_a_status_is_not_complete() -> None:
    document = deployment("v1")
    document["status"] = {}
    assert not Service.read(document).complete


def test_why_no_pod_is_created() -> None:
    condition = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}
    assert Service.read(deployment("v1", conditions=[condition])).refused == "exceeded quota"
    assert Service.read(deployment("v1", conditions=[{**condition, "status": "False"}])).refused == ""


def ended(code: int, restarts: int = 0, message: str = "error: no") -> dict[str, Any]:
    state = {"terminated": {"exitCode": code, "message": message}}
    return pod("v1", lastState=state, state={"waiting": {"reason": "CrashLoopBackOff"}}, restartCount=restarts)


@pytest.mark.parametrize(
    ("found", "troubles"),
    [
        (pod("v1", state={"running": {}}), []),
        (pod("v1", state={"waiting": {"reason": "ContainerCreating"}}), [(False, "ContainerCreating")]),
        (pod("v1", state={"waiting": {"reason": "ImagePullBackOff", "message": "a"}}), [(True, "ImagePullBackOff a")]),
        (ended(65), [(True, "exit code 65: error: no")]),
        (ended(66, message=""), [(True, "exit code 66: ")]),
        (ended(75), [(False, "exit code 75: error: no")]),
        (ended(69, restarts=2), [(False, "exit code 69: error: no")]),
        (ended(69, restarts=3), [(True, "exit code 69: error: no")]),
    ],
)
def test_what_is_wrong_with_a_pod(found: dict[str, Any], troubles: list[tuple[bool, str]]) -> None:
    assert list(troubles_of(found)) == troubles


def test_a_pod_without_a_node_may_get_one() -> None:
    found = pod("v1")
    found["status"] = {"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes"}]}
    assert list(troubles_of(found)) == [(False, "0/1 nodes")]


def test_only_the_pods_of_a_target_are_returned(kube: FakeApi, client: ServingClient) -> None:
    pods = [pod("v1"), pod("v2"), pod("v1", "serve:2")]
    kube.on(f"GET {fake_service.PODS}", (200, {"items": pods}))
    assert client.pods(Target("v2", "serve:1")) == [pods[1]]
    assert unquote(kube.requests[0].query) == "labelSelector=app.kubernetes.io/name=covertype-serve"


def test_a_request_to_a_service_has_the_login_of_the_cluster(kube: FakeApi, client: ServingClient) -> None:
    kube.on("POST /a/proxy/b", (418, b"tea"))
    assert client.send("POST", "/a/proxy/b", body={"x": 1}, headers={"X-API-Key": "k"}) == (418, b"tea")
    [request] = kube.requests
    assert request.body == {"x": 1}
    assert (request.headers["Authorization"], request.headers["X-Api-Key"]) == ("Bearer secret-token", "k")


def test_a_server_that_is_gone(kube: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = dataclasses.replace(kube, url="http://127.0.0.1:9")
    monkeypatch.setenv("KUBECONFIG", str(gone.kubeconfig(tmp_path)))
    with pytest.raises(UnavailableError, match="connection refused"):
        ServingClient("covertype", os.environ).send("GET", "/a", headers={})


def test_without_a_kubeconfig_nobody_is_sent_to_argo_server(tmp_path: Path) -> None:
    with pytest.raises(BadConfigurationError) as caught:
        ServingClient("covertype", {"KUBECONFIG": str(tmp_path / "none"), "ARGO_SERVER": "argo.example:2746"})
    assert str(caught.value).endswith("none: set KUBECONFIG; argo-server cannot replace it here")
