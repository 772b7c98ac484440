"""Artifacts straight from an S3 store: signatures, and the way into the cluster where the store is one of its own."""

from __future__ import annotations

import datetime as dt
import io
import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from steps.core.errors import DeniedError, NoInputError, PipelineError, UnavailableError
from workflows.cluster import forward, nodes, s3, watch

RECORDED: dict[str, Any] = json.loads((Path(__file__).parents[1] / "recorded_run.json").read_text())
if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("query", "signature"),
    [
        ("lifecycle=", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_signatures_are_those_of_the_specification(query: str, signature: str) -> None:
    """Examples of https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html."""
    host = "examplebucket.s3.amazonaws.com"
    keys = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    bucket = s3.Bucket(f"https://{host}", host, "examplebucket", "us-east-1", *keys)
    headers = s3.sign(bucket, "/", query, dt.datetime(2013, 5, 24, tzinfo=dt.UTC))
    assert headers["Authorization"].endswith(f"Signature={signature}")


def test_a_repository_that_is_no_s3_store(tmp_path: Path) -> None:
    workflow = {"status": {"artifactRepositoryRef": {"artifactRepository": {"gcs": {"bucket": "b"}}}}}
    with pytest.raises(PipelineError, match="no S3 store with keys in a secret: set ARGO_SERVER"):
        s3.download(workflow, {"name": "model", "gcs": {"key": "k"}}, tmp_path / "x", lambda _: {})


def test_a_secret_without_the_key(tmp_path: Path) -> None:
    place = {"bucket": "b", "endpoint": "127.0.0.1:1", "accessKeySecret": {"name": "s", "key": "a"}}
    workflow = {"status": {"artifactRepositoryRef": {"artifactRepository": {"s3": place}}}}
    with pytest.raises(NoInputError, match="secret 's' has no key 'a'"):
        s3.download(workflow, {"s3": {"key": "k"}}, tmp_path / "x", lambda _: {})


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what makes a kubectl that prints something."""

    def make(script: str) -> None:
        path = tmp_path / "kubectl"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IEXEC)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    return make


def test_a_store_inside_the_cluster_is_reached_by_port_forward(kubectl: Callable[[str], None]) -> None:
    kubectl('echo "Forwarding from 127.0.0.1:4567 -> 8333"; exec sleep 30')
    with forward.reachable("store.covertype-nowhere:8333", "do") as address:
        assert address == "127.0.0.1:4567"


def test_a_port_forward_that_fails(kubectl: Callable[[str], None]) -> None:
    kubectl("echo 'error: no rights'; exit 1")
    with (
        pytest.raises(UnavailableError, match="kubectl port-forward failed: error: no rights"),
        forward.reachable("store.covertype-nowhere:8333", "do"),
    ):
        pass


def test_a_port_forward_that_is_not_allowed(kubectl: Callable[[str], None]) -> None:
    right = (
        'services "store" is forbidden: User "jane" cannot get resource "services" in API group "" in the namespace "n"'
    )
    kubectl(f"echo 'Error from server (Forbidden): {right}'; exit 1")
    with (
        pytest.raises(DeniedError, match="jane may not get services in namespace n"),
        forward.reachable("store.covertype-nowhere:8333", "do"),
    ):
        pass


def test_without_kubectl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with (
        pytest.raises(UnavailableError, match="inside the cluster only"),
        forward.reachable("store.covertype-nowhere:8333", "do"),
    ):
        pass


@pytest.mark.parametrize("endpoint", ["127.0.0.1:8333", "localhost:9000", "s3.amazonaws.com"])
def test_other_addresses_are_taken_as_they_are(endpoint: str) -> None:
    with forward.reachable(endpoint, "do") as address:
        assert address == endpoint


def test_on_a_terminal_the_table_is_drawn_in_place() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with watch.Display(console) as display:
        display.show(nodes.read(RECORDED))
    assert isinstance(console.file, io.StringIO)
    assert "spruce-fir" in console.file.getvalue()
