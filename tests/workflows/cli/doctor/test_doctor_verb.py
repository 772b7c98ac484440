"""The verb itself; the checks have tests in ``tests/emulators/test_google_checks.py`` and for the cluster."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.workflows.command_line import invoke
from workflows.cli.doctor import doctor_verb
from workflows.cluster.doctor import Finding, State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workflows.settings import Settings

OK = Finding("API", State.OK, "Kubernetes")
FAILED = Finding("bucket", State.FAILED, "no such bucket", "gcloud storage buckets create gs://b")


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The parts that were checked; the cluster is fine and Google is not. No cluster is configured."""
    parts: list[str] = []

    def cluster(_: Settings) -> Iterator[Finding]:
        parts.append("cluster")
        yield OK

    def google(settings: Settings) -> Iterator[Finding] | None:
        if not settings.source.startswith("gs://"):
            return None
        parts.append("google")
        return iter([FAILED])

    monkeypatch.setattr(doctor_verb, "_cluster_findings", cluster)
    monkeypatch.setattr(doctor_verb, "_google_findings", google)
    for name in ("ARGO_SERVER", "KUBECONFIG", "KUBERNETES_SERVICE_HOST", "ARGO_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return parts


def test_the_cluster_is_checked_where_nothing_is_at_google(
    checked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke("doctor") == 0
    assert checked == ["cluster"]
    assert capsys.readouterr().out == f"{'ok':<9}{'API':<23}Kubernetes\n"


def test_google_is_enough_where_no_cluster_is_configured(
    checked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke("doctor", "--source", "gs://b/x.csv") == 1
    assert checked == ["google"]
    assert capsys.readouterr().out.splitlines()[1].strip() == "fix: gcloud storage buckets create gs://b"


def test_both_are_checked_where_a_cluster_is_configured(
    checked: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARGO_SERVER", "localhost:1")
    assert invoke("doctor", "--source", "gs://b/x.csv", "--json") == 1
    assert checked == ["google", "cluster"]
    assert [finding["state"] for finding in json.loads(capsys.readouterr().out)] == ["failed", "ok"]
