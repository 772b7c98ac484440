"""Following a run: through failures for a while, until it ends or something cannot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from steps.core import runtime
from steps.core.errors import TransientError
from tests.workflows.fake_api import FakeApi, status
from tests.workflows.fake_runs import KUBE, NAME, PULLING, RECORDED, created, invoke, log_path, running, succeeded
from workflows.cluster.watch import DetachedError, Follower, follow_to_end

if TYPE_CHECKING:
    from workflows.cluster.kube import KubeClient

RUN = f"GET {KUBE}/{NAME}"


def test_waiting_continues_through_failures_and_ends_with_the_steps_error(
    kube: FakeApi, capsys: pytest.CaptureFixture[str]
) -> None:
    kube.on(f"POST {KUBE}", (201, created(NAME)))
    bad = (500, status(500, "away"))
    kube.on(RUN, (200, running()), bad, bad, (200, running(node_phase="Running")), (200, RECORDED))
    log = "2026-11-21T09:00:00.000000000Z error: something of the step's own\n2026-11-21T09:00:01.000000000Z after\n"
    kube.on(f"GET {log_path()}", (200, log.encode()))
    assert invoke("submit", "--rows", "1000", "--cover-types", "aspen", "--wait", "--json") == 1
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert (result["run"], result["status"], result["exit_code"]) == (NAME, "Failed", 1)
    assert result["failed_steps"] == {"aspen-train": "something of the step's own"}
    assert "the server failed (500: away), in http://127.0.0.1:" in printed.err
    assert printed.err.count("the run continues, trying again") == 1
    assert "connected again" in printed.err
    assert "error: step aspen-train failed: something of the step's own" in printed.err
    assert f"{NAME} ended as Failed after" in printed.err


def test_a_run_that_succeeds(kube: FakeApi, kube_client: KubeClient, capsys: pytest.CaptureFixture[str]) -> None:
    kube.on(RUN, (200, succeeded()))
    assert follow_to_end(kube_client, NAME, watch=False, timeout=None, as_json=False) == 0
    ended, hint = capsys.readouterr().out.splitlines()
    assert ended == f"{NAME} ended as Succeeded after 0 s"
    assert hint == f"report and models: python workflows/covertype.py fetch {NAME}"
    assert follow_to_end(kube_client, NAME, watch=True, timeout=None, as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["exit_code"] == 0


def test_a_prediction_that_succeeds(kube: FakeApi, kube_client: KubeClient, capsys: pytest.CaptureFixture[str]) -> None:
    templates = [{"name": "prediction", "dag": {"tasks": [{"name": "predict", "template": "predict"}]}}]
    spec = {"entrypoint": "prediction", "templates": templates}
    kube.on(RUN, (200, {"metadata": {"name": NAME}, "spec": spec, "status": {"phase": "Succeeded"}}))
    assert follow_to_end(kube_client, NAME, watch=False, timeout=None, as_json=False) == 0
    assert capsys.readouterr().out.splitlines()[1] == f"scores: python workflows/covertype.py fetch {NAME}"


def test_a_run_that_fails_without_a_step_shows_its_own_message(
    kube: FakeApi, kube_client: KubeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    kube.on(RUN, (200, {**RECORDED, "status": {"phase": "Error", "message": "no such template"}}))
    assert follow_to_end(kube_client, NAME, watch=False, timeout=None, as_json=False) == 1
    assert capsys.readouterr().err == f"{NAME} ended as Error after 0 s (no such template)\n"


def test_a_dead_server_is_not_waited_for_without_end(kube: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    kube.on(RUN, (503, status(503, "away")))
    assert invoke("status", NAME, "--watch") == 69
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: the server failed (503: away), for 0 s, in http://127.0.0.1:")
    assert error.endswith(f": watch it again with `status {NAME} --watch`, end it with `stop {NAME}`")


def test_an_image_that_cannot_be_pulled_ends_the_wait(kube: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    first, between = running(message="ErrImagePull: no such host"), running(message="PodInitializing")
    kube.on(RUN, (200, first), (200, between), (200, running(message=PULLING)))
    assert invoke("status", NAME, "--watch") == 78
    *_, reported, error = capsys.readouterr().err.splitlines()
    assert reported == "cannot pull the image of step prepare (ErrImagePull: no such host) yet: trying again for 0 s"
    assert error.startswith(f"error: cannot pull the image of step prepare ({PULLING}), in {NAME}: push or load")
    assert f"`stop {NAME}`" in error
    assert len(kube.requests) > 3
    assert invoke("status", NAME) == 0
    assert "✗ no image" in capsys.readouterr().out


def test_a_pull_that_succeeds_later_is_waited_for(
    kube: FakeApi, kube_client: KubeClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    pulling = [(200, running(message=PULLING))] * 2
    kube.on(RUN, *pulling, (200, running(node_phase="Running")), (200, succeeded()))
    Follower(kube_client, NAME).follow(lambda _: None)
    assert [line.partition(" (")[0] for line in capsys.readouterr().err.splitlines()] == [
        "cannot pull the image of step prepare",
        "the image of step prepare was pulled",
    ]


@pytest.mark.parametrize("reason", ["InvalidImageName", "ErrImageNeverPull"])
def test_an_image_that_no_retry_can_pull_ends_the_wait_at_once(
    kube: FakeApi, capsys: pytest.CaptureFixture[str], reason: str
) -> None:
    kube.on(RUN, (200, running(message=f"{reason}: bad")))
    assert invoke("status", NAME, "--watch") == 78
    assert capsys.readouterr().err.startswith(f"error: cannot pull the image of step prepare ({reason}: bad)")
    assert len(kube.requests) == 1


@pytest.mark.parametrize(
    ("message", "reason"), [("", ""), (PULLING, f" without the image of step prepare ({PULLING})")]
)
def test_the_wait_can_be_limited(kube: FakeApi, capsys: pytest.CaptureFixture[str], message: str, reason: str) -> None:
    kube.on(f"POST {KUBE}", (201, created(NAME)))
    kube.on(RUN, (200, running(message=message)))
    words = ("--rows", "1000", "--cover-types", "aspen", "--wait", "--wait-timeout", "0.05")
    assert invoke("submit", *words) == 75
    wanted = f"error: {NAME} is Running after 0.05 s{reason} and continues: watch it again with"
    assert wanted in capsys.readouterr().err


def test_a_limited_wait_for_a_server_that_never_answers(kube: FakeApi, kube_client: KubeClient) -> None:
    kube.on(RUN, (503, status(503, "away")))
    with pytest.raises(TransientError, match=f"{NAME} is not known to have ended after 0 s and continues"):
        Follower(kube_client, NAME, timeout=0).follow(lambda _: None)


@pytest.mark.parametrize(("ending", "code"), [(KeyboardInterrupt, 130), (runtime.TerminatedError, 143)])
def test_a_signal_ends_the_watching_alone(
    kube: FakeApi,
    kube_client: KubeClient,
    monkeypatch: pytest.MonkeyPatch,
    ending: type[BaseException],
    code: int,
) -> None:
    kube.on(RUN, (200, running()))

    def interrupt(_: float) -> None:
        raise ending

    monkeypatch.setattr("time.sleep", interrupt)
    with pytest.raises(DetachedError, match=f"^stopped watching, {NAME} continues: watch it again with") as caught:
        Follower(kube_client, NAME).follow(lambda _: None)
    assert caught.value.exit_code == code
    assert {request.method for request in kube.requests} == {"GET"}
