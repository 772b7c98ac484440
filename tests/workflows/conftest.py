"""Fixtures: the fork server, a cache with one result, and a server that answers as Kubernetes or argo-server does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.workflows.fake_api import FakeApi, serve
from workflows.cluster import watch
from workflows.local.cache import Cache, json_digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workflows.cluster.argo_server import ServerClient
    from workflows.cluster.kube import KubeClient


@pytest.fixture(scope="session", autouse=True)
def _fork_server(fork_server: None) -> None:
    """Start the fork server for the real steps, before a test of the executor starts it for fake ones."""


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """A cache below ``runs`` with one result of the step ``a``: a file and a folder."""
    (tmp_path / "file").write_text("file")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "part").write_text("part")
    cache = Cache(tmp_path / "runs" / ".cache")
    outputs = {"file": tmp_path / "file", "folder": tmp_path / "folder"}
    cache.store_result(json_digest({"step": "a"}), "steps.a", outputs, {"note": "n"})
    return cache


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
    """The server as argo-server, named as for the argo command line tool."""
    monkeypatch.setenv("ARGO_SERVER", api.url.removeprefix("http://"))
    monkeypatch.setenv("ARGO_SECURE", "false")
    monkeypatch.setenv("ARGO_TOKEN", "server-token")
    return api


@pytest.fixture
def kube_client(kube: FakeApi) -> KubeClient:  # noqa: ARG001 - the environment names it
    from workflows.cluster.kube import KubeClient

    return KubeClient("covertype", os.environ)


@pytest.fixture
def server_client(server: FakeApi) -> ServerClient:  # noqa: ARG001 - the environment names it
    from workflows.cluster.argo_server import ServerClient

    return ServerClient("covertype", os.environ)
