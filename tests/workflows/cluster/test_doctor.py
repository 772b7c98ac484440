"""The checks of a cluster: what is there, and each thing that is missing with what fixes it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.workflows.fake_api import FakeApi, status
from tests.workflows.fake_runs import CORE, SERVER, created, invoke
from workflows.cluster import doctor
from workflows.cluster.doctor import Finding, State

if TYPE_CHECKING:
    from workflows.cluster.argo_server import ServerClient
    from workflows.cluster.kube import KubeClient

# Hera's service calls pydantic's old `json`.
pytestmark = pytest.mark.filterwarnings("ignore:The `json` method is deprecated")

KINDS = ("workflows", "workflowtemplates", "cronworkflows", "workflowtaskresults")
REVIEW = "/apis/authorization.k8s.io/v1"
NAMESPACE = "/api/v1/namespaces/covertype"
REPOSITORY = {
    "s3": {
        "bucket": "artifacts",
        "accessKeySecret": {"name": "store", "key": "accessKey"},
        "secretKeySecret": {"name": "store", "key": "secretKey"},
    }
}
DEFAULT = {"workflows.argoproj.io/default-artifact-repository": "default-v1"}


def config_map(repository: Any = None, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    data = {"default-v1": yaml.safe_dump(repository or REPOSITORY)}
    return {"metadata": {"annotations": DEFAULT if annotations is None else annotations}, "data": data}


@pytest.fixture
def whole(kube: FakeApi) -> FakeApi:
    """A cluster that lacks nothing."""
    answers: dict[str, Any] = {
        "GET /version/": {"gitVersion": "v1.34.4"},
        "GET /apis/argoproj.io/v1alpha1": {"resources": [{"name": name} for name in KINDS]},
        f"GET {NAMESPACE}": {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}},
        f"POST {REVIEW}/selfsubjectaccessreviews": {"status": {"allowed": True}},
        f"POST {REVIEW}/subjectaccessreviews": {"status": {"allowed": True}},
        f"GET {CORE}/serviceaccounts/covertype-steps": {"metadata": {"name": "covertype-steps"}},
        f"GET {CORE}/configmaps/artifact-repositories": config_map(),
        f"GET {CORE}/secrets/store": {"data": {"accessKey": "YQ==", "secretKey": "YQ=="}},
        "GET /api/v1/nodes": {"items": [{"status": {"images": [{"names": ["docker.io/library/steps:1"]}]}}]},
    }
    for what, answer in answers.items():
        kube.on(what, (200, answer))
    return kube


def findings(client: KubeClient, image: str = "steps:1", image_wait: float = 0) -> dict[str, Finding]:
    found = doctor.examine_kube(client, "covertype-steps", image, image_wait=image_wait)
    return {finding.check: finding for finding in found}


def test_a_cluster_that_lacks_nothing(whole: FakeApi, kube_client: KubeClient) -> None:
    found = findings(kube_client)
    assert {check: finding.seen for check, finding in found.items()} == {
        "API": f"Kubernetes v1.34.4 at {whole.url}",
        "Argo Workflows": f"knows {', '.join(KINDS)}",
        "namespace": "covertype, pod security restricted",
        "your permissions": "10 of 10 needed",
        "service account": "covertype-steps",
        "the pods' permissions": "2 of 2 needed",
        "artifact repository": "default-v1: s3 bucket artifacts",
        "secret store": "has accessKey, secretKey",
        "image": "steps:1 is on 1 of 1 nodes",
    }
    assert {finding.state for finding in found.values()} == {State.OK}


def test_permissions_are_asked_for_with_access_reviews(whole: FakeApi, kube_client: KubeClient) -> None:
    findings(kube_client)
    mine = [request.body["spec"] for request in whole.requests if request.path.endswith("/selfsubjectaccessreviews")]
    pods = [request.body["spec"] for request in whole.requests if request.path.endswith("/subjectaccessreviews")]
    logs = {"namespace": "covertype", "verb": "get", "group": "", "resource": "pods", "subresource": "log"}
    assert {"resourceAttributes": logs} in mine
    assert {spec["user"] for spec in pods} == {"system:serviceaccount:covertype:covertype-steps"}
    assert {spec["resourceAttributes"]["resource"] for spec in pods} == {"workflowtaskresults"}


MISSING = [
    ("GET /version/", (503, status(503, "away")), "API", "the server failed (503: away)", "try again"),
    ("GET /apis/argoproj.io/v1alpha1", (404, status(404, "")), "Argo Workflows", "does not know workflows", "install"),
    (
        "GET /apis/argoproj.io/v1alpha1",
        (200, {"resources": [{"name": "workflows"}]}),
        "Argo Workflows",
        "the cluster does not know workflowtemplates, cronworkflows, workflowtaskresults",
        "install Argo Workflows",
    ),
    (
        f"GET {NAMESPACE}",
        (404, status(404, 'namespaces "covertype" not found')),
        "namespace",
        "no namespace covertype",
        "kubectl apply",
    ),
    (
        f"POST {REVIEW}/selfsubjectaccessreviews",
        (200, {"status": {"allowed": False}}),
        "your permissions",
        "not allowed: create workflows, get workflows",
        "kubectl apply",
    ),
    (
        f"POST {REVIEW}/subjectaccessreviews",
        (200, {"status": {"allowed": False}}),
        "the pods' permissions",
        "not allowed: create workflowtaskresults, patch workflowtaskresults",
        "kubectl apply",
    ),
    (
        f"GET {CORE}/serviceaccounts/covertype-steps",
        (404, status(404, 'serviceaccounts "covertype-steps" not found')),
        "service account",
        "no covertype-steps in namespace covertype",
        "kubectl apply",
    ),
    (
        f"GET {CORE}/configmaps/artifact-repositories",
        (404, status(404, 'configmaps "artifact-repositories" not found')),
        "artifact repository",
        "no ConfigMap artifact-repositories",
        "kubectl apply",
    ),
    (
        f"GET {CORE}/configmaps/artifact-repositories",
        (200, config_map(annotations={})),
        "artifact repository",
        "the ConfigMap names no default",
        "kubectl apply",
    ),
    (
        f"GET {CORE}/configmaps/artifact-repositories",
        (200, {**config_map(), "data": None}),
        "artifact repository",
        "no entry 'default-v1'",
        "kubectl apply",
    ),
    *(
        (
            f"GET {CORE}/configmaps/artifact-repositories",
            (200, {**config_map(), "data": {"default-v1": text}}),
            "artifact repository",
            "the entry 'default-v1' describes none",
            "kubectl apply",
        )
        for text in ("s3: [", "- a", "s3: bucket", "text")
    ),
    (
        f"GET {CORE}/secrets/store",
        (404, status(404, 'secrets "store" not found')),
        "secret store",
        "it does not exist",
        "kubectl -n covertype create secret generic store",
    ),
    (
        f"GET {CORE}/secrets/store",
        (200, {"data": {"accessKey": "YQ=="}}),
        "secret store",
        "it lacks secretKey",
        "kubectl -n covertype edit secret store",
    ),
    (
        "GET /api/v1/nodes",
        (200, {"items": [{"status": {"images": None}}]}),
        "image",
        "steps:1 is on none of 1 nodes",
        "kind load docker-image steps:1",
    ),
]


@pytest.mark.parametrize(("what", "answer", "check", "seen", "fix"), MISSING)
def test_what_is_missing_has_a_fix(  # noqa: PLR0913, PLR0917 - fixtures and cases
    what: str, answer: tuple[int, Any], check: str, seen: str, fix: str, whole: FakeApi, kube_client: KubeClient
) -> None:
    whole.on(what, answer)
    found = findings(kube_client)
    finding = found[check]
    assert finding.state is State.FAILED
    assert seen in finding.seen
    assert finding.fix.startswith(fix)
    assert [other for other, entry in found.items() if entry.state is State.FAILED] == [check]
    assert (list(found)[-1] == check) == (check in {"API", "namespace", "image"})


@pytest.mark.parametrize(
    ("what", "check"),
    [
        (f"GET {NAMESPACE}", "namespace"),
        (f"GET {CORE}/serviceaccounts/covertype-steps", "service account"),
        (f"POST {REVIEW}/subjectaccessreviews", "the pods' permissions"),
        (f"GET {CORE}/configmaps/artifact-repositories", "artifact repository"),
        (f"GET {CORE}/secrets/store", "secret store"),
        ("GET /api/v1/nodes", "image"),
    ],
)
def test_what_may_not_be_looked_at_is_unknown(what: str, check: str, whole: FakeApi, kube_client: KubeClient) -> None:
    message = f'User "jane" cannot get resource "{check}" in API group "" in the namespace "covertype"'
    whole.on(what, (403, status(403, message)))
    finding = findings(kube_client)[check]
    assert finding.state is State.UNKNOWN
    assert finding.seen == f"jane may not get {check} in namespace covertype"
    assert "kubectl auth can-i" in finding.fix


def test_an_image_of_a_registry_need_not_be_on_a_node(whole: FakeApi, kube_client: KubeClient) -> None:
    assert findings(kube_client, "registry/steps:2")["image"].seen == "registry/steps:2 is on 0 of 1 nodes"
    assert whole.requests


NO_IMAGES: tuple[int, Any] = (200, {"items": [{"status": {}}]})
WITH_IMAGE: tuple[int, Any] = (200, {"items": [{"status": {"images": [{"names": ["docker.io/library/steps:1"]}]}}]})


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that ``doctor`` waited; they pass at once."""
    naps: list[float] = []
    monkeypatch.setattr(doctor, "time", SimpleNamespace(sleep=naps.append, monotonic=lambda: sum(naps)))
    return naps


def test_a_loaded_image_is_waited_for_until_a_node_reports_it(
    whole: FakeApi, kube_client: KubeClient, slept: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    whole.on("GET /api/v1/nodes", NO_IMAGES, NO_IMAGES, NO_IMAGES, WITH_IMAGE)
    assert findings(kube_client, image_wait=40)["image"] == Finding("image", State.OK, "steps:1 is on 1 of 1 nodes")
    assert len(slept) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    [line] = printed.err.splitlines()
    assert line.startswith("no node reports steps:1 yet: waiting up to 40 s")


def test_waiting_for_an_image_ends(
    whole: FakeApi, kube_client: KubeClient, slept: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    whole.on("GET /api/v1/nodes", NO_IMAGES)
    assert findings(kube_client, image_wait=9)["image"].state is State.FAILED
    assert sum(slept) == pytest.approx(9)
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_image_of_a_registry_is_not_waited_for(whole: FakeApi, kube_client: KubeClient, slept: list[float]) -> None:
    whole.on("GET /api/v1/nodes", NO_IMAGES)
    assert findings(kube_client, "registry/steps:1", image_wait=40)["image"].state is State.OK
    assert not slept


def test_a_repository_without_secrets(whole: FakeApi, kube_client: KubeClient) -> None:
    whole.on(f"GET {CORE}/configmaps/artifact-repositories", (200, config_map({"gcs": {"bucket": "b"}})))
    found = findings(kube_client)
    assert found["artifact repository"].seen == "default-v1: gcs bucket b"
    assert not any(check.startswith("secret") for check in found)


def by_server(client: ServerClient) -> dict[str, Finding]:
    return {finding.check: finding for finding in doctor.examine_server(client, {"metadata": {}, "spec": {}})}


def test_argo_server(server: FakeApi, server_client: ServerClient) -> None:
    server.on("GET /api/v1/version", (200, {"version": "v4.0.7"}))
    server.on(f"GET {SERVER}", (200, {"items": []}))
    server.on(f"POST {SERVER}", (200, created("x")))
    found = by_server(server_client)
    assert {check: (finding.state.value, finding.seen) for check, finding in found.items()} == {
        "argo-server": ("ok", f"v4.0.7 at {server.url}"),
        "list workflows": ("ok", "0 in namespace covertype"),
        "create workflows": ("ok", "allowed, and the workflow is valid"),
        "other checks": ("unknown", "not possible by argo-server's API"),
    }
    assert server.requests[-1].body["serverDryRun"] is True


def test_argo_server_that_refuses(server: FakeApi, server_client: ServerClient) -> None:
    server.on("GET /api/v1/version", (200, {"version": "v4.0.7"}))
    words = 'Permission denied, you are not allowed to list workflows in namespace "covertype".'
    for method in ("GET", "POST"):
        server.on(f"{method} {SERVER}", (403, {"message": words}))
    found = by_server(server_client)
    assert [check for check, finding in found.items() if finding.state is State.FAILED] == [
        "list workflows",
        "create workflows",
    ]
    server.on("GET /api/v1/version", (401, {"message": "token"}))
    assert list(by_server(server_client)) == ["argo-server"]


def test_the_command(whole: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    image = ("--image", "steps:1")
    assert invoke("doctor", *image) == 0
    assert len(capsys.readouterr().out.splitlines()) == 9
    whole.on(f"GET {CORE}/secrets/store", (200, {"data": {}}))
    assert invoke("doctor", *image) == 1
    assert "kubectl -n covertype edit secret store" in capsys.readouterr().out
    assert invoke("doctor", *image, "--json") == 1
    printed = json.loads(capsys.readouterr().out)
    assert [entry["check"] for entry in printed if entry["state"] == "failed"] == ["secret store"]
