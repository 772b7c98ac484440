"""The verb ``rollout``, against a server that answers as the Kubernetes API and as the service behind it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from steps.registry import aliases, publishing
from steps.registry.destinations import Folder
from tests.workflows.fake_api import FakeApi, status
from tests.workflows.fake_runs import invoke
from tests.workflows.fake_service import DEPLOYMENT, OPENAPI, PODS, PROXY, answer, deployment
from workflows.cluster import http

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cluster(kube: FakeApi, monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    """A service that rolls from v1 to v2 and answers for v2."""
    monkeypatch.delenv("COVERTYPE_SERVE_TOKEN", raising=False)
    states = [deployment("v1"), deployment("v1"), deployment("v2")]
    kube.on(f"GET {DEPLOYMENT}", *[(200, each) for each in states])
    kube.on(f"PATCH {DEPLOYMENT}", (200, deployment("v2")))
    kube.on(f"GET {PODS}", (200, {"items": []}))
    kube.on(f"GET {PROXY}/openapi.json", (200, OPENAPI))
    kube.on(f"POST {PROXY}/predict", (200, answer("v2")))
    return kube


def test_a_version_is_rolled_out(cluster: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke("rollout", "v2", "--expect", "2", "--timeout", "5") == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("v2 answers in namespace covertype after ")
    assert printed.out.endswith(" s: v2 with serve:1, before v1 with serve:1\n")
    # Each pod may be asked.
    assert len([request for request in cluster.requests if request.path.endswith("/predict")]) == 2


def test_the_outcome_as_json(cluster: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ARG001 - it answers
    assert invoke("rollout", "v2", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found.pop("seconds") >= 0
    assert found == {
        "namespace": "covertype",
        "before": {"version": "v1", "image": "serve:1"},
        "wanted": {"version": "v2", "image": "serve:1"},
        "rolled_out": True,
        "answers": "v2",
        "reason": None,
    }


def test_another_image(cluster: FakeApi) -> None:
    states = [deployment("v1"), deployment("v1"), deployment("v1", "serve:2")]
    cluster.on(f"GET {DEPLOYMENT}", *[(200, each) for each in states])
    cluster.on(f"POST {PROXY}/predict", (200, answer("v1")))
    assert invoke("rollout", "v1", "--image", "serve:2") == 0
    [patch] = [request.body for request in cluster.requests if request.method == "PATCH"]
    assert [each["value"] for each in patch if each["op"] == "replace"] == ["serve:2", "v1"]


def test_an_alias_is_answered_by_any_version(cluster: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    states = [deployment("v1"), deployment("v1"), deployment("champion")]
    cluster.on(f"GET {DEPLOYMENT}", *[(200, each) for each in states])
    assert invoke("rollout") == 0
    assert capsys.readouterr().out.startswith("v2 answers in namespace covertype")


@pytest.mark.parametrize("as_json", [False, True])
def test_a_wrong_prediction_is_rolled_back(
    cluster: FakeApi,
    capsys: pytest.CaptureFixture[str],
    as_json: bool,  # noqa: FBT001 - a case
) -> None:
    states = [deployment("v1"), deployment("v1"), deployment("v2"), deployment("v2"), deployment("v1")]
    cluster.on(f"GET {DEPLOYMENT}", *[(200, each) for each in states])
    assert invoke("rollout", "v2", "--expect", "7", *(["--json"] if as_json else [])) == 1
    printed = capsys.readouterr()
    assert printed.err.splitlines()[-1] == (
        "error: rolled back: the smoke prediction is wrong: v2 predicts cover type 2 instead of 7, in covertype-serve: "
        "v1 with serve:1 answers as before"
    )
    if as_json:
        assert json.loads(printed.out)["rolled_out"] is False
    else:
        assert printed.out == ""


def test_a_token_that_is_refused_changes_nothing(
    cluster: FakeApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COVERTYPE_SERVE_TOKEN", "s3cr3t-0123456789")
    cluster.on(f"GET {PROXY}/openapi.json", (401, {"error": "no", "problems": []}))
    assert invoke("rollout", "v2") == 77
    assert "PATCH" not in {request.method for request in cluster.requests}
    assert "s3cr3t" not in "".join(capsys.readouterr())


def test_a_token_that_is_refused_afterwards_is_rolled_back(cluster: FakeApi) -> None:
    states = [deployment("v1"), deployment("v1"), deployment("v2"), deployment("v2"), deployment("v1")]
    cluster.on(f"GET {DEPLOYMENT}", *[(200, each) for each in states])
    cluster.on(f"GET {PROXY}/openapi.json", (503, status(503, "no endpoints")), (401, {"error": "no", "problems": []}))
    assert invoke("rollout", "v2") == 1
    assert [request.method for request in cluster.requests].count("PATCH") == 2


@pytest.mark.parametrize("changed", [False, True])
def test_a_service_that_does_not_answer(
    cluster: FakeApi,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changed: bool,  # noqa: FBT001 - a case
) -> None:
    monkeypatch.setattr(http, "TIMEOUT", (5.0, 0.5))
    states = [deployment("v1"), deployment("v1"), deployment("v2"), deployment("v2"), deployment("v1")]
    cluster.on(f"GET {DEPLOYMENT}", *[(200, each) for each in states])
    cluster.on(f"GET {PROXY}/openapi.json", *[(200, OPENAPI)] * changed, (0, None))
    assert invoke("rollout", "v2") == (1 if changed else 69)
    last = capsys.readouterr().err.splitlines()[-1]
    assert ("rolled back: the smoke prediction got no answer: no answer in time" in last) == changed
    assert last.startswith("error: no answer in time, in http://") != changed
    assert [request.method for request in cluster.requests].count("PATCH") == 2 * changed


@pytest.fixture
def registry(tmp_path: Path) -> Folder:
    """A registry whose champion is v2."""
    made = Folder(tmp_path / "registry")
    (tmp_path / "a").write_text("a")
    publishing.publish({"a": tmp_path / "a"}, made.below("versions/v2"), {"version": "v2"})
    aliases.move_alias(made, "champion", "v2")
    return made


def test_the_registry_says_which_version_must_answer(
    cluster: FakeApi, registry: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    states = [deployment("v1"), deployment("v1"), deployment("champion")]
    cluster.on(f"GET {DEPLOYMENT}", *[(200, each) for each in states])
    assert invoke("rollout", "champion", "--registry", registry.root) == 0
    cluster.on(f"GET {DEPLOYMENT}", *[(200, each) for each in (*states, deployment("champion"), deployment("v1"))])
    cluster.on(f"POST {PROXY}/predict", (200, answer("v1")))
    assert invoke("rollout", "champion", "--registry", registry.root) == 1
    assert "version v1 answered instead of v2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("../v1",), 2, "'../v1' is not a version, in VERSION"),
        (("v2", "--timeout", "0"), 2, "0 is not above 0"),
        (("v2", "--row", "nowhere.json"), 66, "no such file, in nowhere.json"),
    ],
)
def test_a_mistake_is_seen_before_anything_is_asked(
    cluster: FakeApi, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, message: str
) -> None:
    assert invoke("rollout", *words) == code
    assert message in capsys.readouterr().err
    assert cluster.requests == []


def test_a_version_that_the_registry_does_not_have(
    cluster: FakeApi, registry: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke("rollout", "v9", "--registry", registry.root) == 66
    assert "there is no version and no alias 'v9'" in capsys.readouterr().err
    assert cluster.requests == []
