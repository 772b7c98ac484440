"""Rolling to another version and back, against a server that answers as the Kubernetes API."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from steps.core.errors import NoInputError, TransientError, UnavailableError
from steps.core.runtime import TerminatedError
from tests.workflows.fake_api import status
from tests.workflows.fake_service import CORE, DEPLOYMENT, PODS, deployment, pod
from workflows.cluster.serving.deployment import ServingClient, Target
from workflows.cluster.serving.rollout import NotRolledOutError, Rollout
from workflows.cluster.watch import DetachedError

if TYPE_CHECKING:
    from tests.workflows.fake_api import FakeApi
    from workflows.cluster.serving.deployment import Service

V2 = Target("v2", "serve:1")
GET, PATCH = f"GET {DEPLOYMENT}", f"PATCH {DEPLOYMENT}"


def rollout(timeout: float = 5) -> Rollout:
    return Rollout(ServingClient("covertype", os.environ), timeout, interval=0.001)


def answers(service: Service) -> str:
    return service.target.version


def wrong(service: Service) -> str:
    raise NotRolledOutError(f"{service.target.version} is wrong")


def patched(kube: FakeApi) -> list[list[str]]:
    """Return the values that each patch sets."""
    patches = [request.body for request in kube.requests if request.method == "PATCH"]
    return [[each["value"] for each in body if each["op"] == "replace"] for body in patches]


def ok(*documents: dict[str, Any]) -> list[tuple[int, Any]]:
    return [(200, document) for document in documents]


def test_a_version_is_rolled_out(kube: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    half = deployment("v2", ready=1, old=2)
    kube.on(GET, *ok(deployment("v1"), deployment("v2", ready=0, old=2), half, half, deployment("v2")))
    kube.on(PATCH, (200, deployment("v2", ready=0, old=2)))
    kube.on(f"GET {PODS}", (200, {"items": []}))
    assert rollout().run(V2, answers) == "v2"
    assert patched(kube) == [["serve:1", "v2"]]
    [patch] = [request for request in kube.requests if request.method == "PATCH"]
    assert patch.headers["Content-Type"] == "application/json-patch+json"
    assert capsys.readouterr().err.splitlines() == [
        "covertype-serve: v1 with serve:1 -> v2 with serve:1",
        "covertype-serve: v2 with serve:1, 0 of 2 new pods ready, 2 old ones left",
        "covertype-serve: v2 with serve:1, 1 of 2 new pods ready, 2 old ones left",
    ]


def test_what_runs_already_is_only_checked(kube: FakeApi) -> None:
    kube.on(GET, *ok(deployment("v2")))
    assert rollout().run(V2, answers) == "v2"
    with pytest.raises(NotRolledOutError, match="v2 is wrong: the Deployment was not changed"):
        rollout().run(V2, wrong)
    assert patched(kube) == []


def failing(kube: FakeApi, found: dict[str, Any], *more: dict[str, Any]) -> None:
    """Answer with a rollout to v2 whose pods are as given, and with one back to v1."""
    half = deployment("v2", ready=0, old=2, **(more[0] if more else {}))
    kube.on(GET, *ok(deployment("v1"), half, half, deployment("v1", ready=1, old=1), deployment("v1")))
    kube.on(PATCH, (200, half))
    kube.on(f"GET {PODS}", (200, {"items": [found]}))


def test_a_version_that_does_not_start_is_rolled_back_at_once(kube: FakeApi) -> None:
    failing(kube, pod("v2", state={"terminated": {"exitCode": 65, "message": "error: damaged"}}))
    with pytest.raises(NotRolledOutError) as raised:
        rollout().run(V2, answers)
    assert str(raised.value) == (
        "rolled back: pod pod-v2: exit code 65: error: damaged, in covertype-serve: v1 with serve:1 answers as before"
    )
    assert raised.value.exit_code == 1
    assert patched(kube) == [["serve:1", "v2"], ["serve:1", "v1"]]


def test_pods_that_are_not_created_are_a_failure(kube: FakeApi) -> None:
    condition = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}
    failing(kube, pod("v1"), {"conditions": [condition]})
    with pytest.raises(NotRolledOutError, match="rolled back: no pod is created: exceeded quota"):
        rollout().run(V2, answers)


def test_a_wrong_answer_is_rolled_back(kube: FakeApi) -> None:
    kube.on(GET, *ok(deployment("v1"), deployment("v2"), deployment("v2"), deployment("v1")))
    kube.on(PATCH, (200, {**deployment("v2")}))
    with pytest.raises(NotRolledOutError, match=r"rolled back: v2 is wrong.*v1 with serve:1 answers as before"):
        rollout().run(V2, wrong)
    assert patched(kube) == [["serve:1", "v2"], ["serve:1", "v1"]]


def test_pods_that_are_not_ready_in_time(kube: FakeApi) -> None:
    slow = deployment("v2", ready=0, old=2)
    kube.on(GET, *ok(deployment("v1"), slow, slow, deployment("v1")))
    kube.on(PATCH, (200, slow))
    kube.on(f"GET {PODS}", (200, {"items": [pod("v2", state={"waiting": {"reason": "ContainerCreating"}})]}))
    what = r"rolled back: v2 is not ready after 0 s: .* 0 of 2 new pods ready, 2 old ones left \(pod-v2: Conta"
    with pytest.raises(NotRolledOutError, match=what):
        rollout(0).run(V2, answers)


def test_a_rollback_that_is_not_ready_says_so(kube: FakeApi) -> None:
    slow = deployment("v2", ready=0, old=2)
    kube.on(GET, *ok(deployment("v1"), slow, slow, deployment("v1", ready=1)))
    kube.on(PATCH, (200, slow))
    kube.on(f"GET {PODS}", (200, {"items": []}))
    with pytest.raises(TransientError, match="the rollback to v1 with serve:1 is not ready either") as raised:
        rollout(0).run(V2, answers)
    assert raised.value.exit_code == 75


def test_a_cluster_that_does_not_answer_the_rollback(kube: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    kube.on(GET, *ok(deployment("v1"), deployment("v2")))
    kube.on(PATCH, (200, deployment("v2")))

    def fail(service: Service) -> str:
        monkeypatch.setattr(ServingClient, "deployment", unreachable)
        return wrong(service)

    def unreachable(_: ServingClient) -> Service:
        raise UnavailableError("no answer", where="here")

    what = "v2 is wrong; the cluster did not answer the rollback to v1 with serve:1: no answer, .*: `rollout v1`"
    with pytest.raises(TransientError, match=what):
        rollout().run(V2, fail)


@pytest.mark.parametrize("when", ["before", "during", "back"])
def test_another_rollout_at_the_same_time_is_not_overwritten(kube: FakeApi, when: str) -> None:
    other, slow = deployment("v9"), deployment("v2", ready=0, old=2)
    seen = {"before": [deployment("v1"), other], "during": [deployment("v1"), other]}
    kube.on(GET, *ok(*seen.get(when, [deployment("v1"), deployment("v2"), other])))
    test_failed = (422, status(422, "the server rejected our request due to an error in our request"))
    kube.on(PATCH, test_failed if when == "before" else (200, slow))
    kube.on(f"GET {PODS}", (200, {"items": []}))
    with pytest.raises(TransientError, match="others changed it to v9 with serve:1 meanwhile"):
        rollout().run(V2, wrong)
    assert len(patched(kube)) == 1


def test_a_server_that_is_silent_for_a_while_is_asked_again(kube: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    kube.on(GET, *ok(deployment("v1")), (503, status(503, "etcd is slow")), *ok(deployment("v2")))
    kube.on(PATCH, (200, deployment("v2")))
    assert rollout().run(V2, answers) == "v2"
    assert "the server failed (503: etcd is slow)" in capsys.readouterr().err


@pytest.mark.parametrize(("signal", "code"), [(KeyboardInterrupt(), 130), (TerminatedError(), 143)])
def test_a_signal_says_what_is_left(kube: FakeApi, signal: BaseException, code: int) -> None:
    kube.on(GET, *ok(deployment("v1"), deployment("v2"), deployment("v2", ready=1, old=1)))
    kube.on(PATCH, (200, deployment("v2")))

    def stop(_: Service) -> str:
        raise signal

    with pytest.raises(DetachedError) as raised:
        rollout().run(V2, stop)
    assert raised.value.exit_code == code
    assert str(raised.value) == (
        "stopped waiting: v2 with serve:1, 1 of 2 new pods ready, 1 old ones left, in covertype-serve: "
        "`rollout v1` returns to v1 with serve:1"
    )


def test_no_deployment_and_no_namespace(kube: FakeApi) -> None:
    kube.on(GET, (404, status(404, 'deployments.apps "covertype-serve" not found')))
    with pytest.raises(NoInputError, match="there is no Deployment covertype-serve, in namespace covertype: apply"):
        rollout().read()
    kube.on(GET, (404, status(404, 'namespaces "covertype" not found')))
    with pytest.raises(NoInputError, match="no such namespace"):
        rollout().read()
    assert all(request.path.startswith((CORE, DEPLOYMENT)) for request in kube.requests)
