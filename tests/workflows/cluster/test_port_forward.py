"""A service inside the cluster, reached by ``kubectl port-forward``."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from steps.core.errors import DeniedError, UnavailableError
from workflows.cluster import port_forward

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENDPOINT = "store.covertype-nowhere:8333"


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that installs a kubectl: a shell script."""

    def install(script: str) -> None:
        path = tmp_path / "kubectl"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    return install


def test_a_store_inside_the_cluster_is_reached_by_port_forward(kubectl: Callable[[str], None], tmp_path: Path) -> None:
    kubectl(f'echo "$@" > {tmp_path}/words; echo "Forwarding from 127.0.0.1:4567 -> 8333"; exec sleep 30')
    with port_forward.local_address(ENDPOINT, "do") as address:
        assert address == "127.0.0.1:4567"
    words = (tmp_path / "words").read_text()
    assert words == "--namespace covertype-nowhere port-forward service/store :8333\n"


def test_kubectl_may_print_as_much_as_it_wants(kubectl: Callable[[str], None], tmp_path: Path) -> None:
    """It prints a line for each connection: more than a pipe holds, in a long download."""
    kubectl(
        'echo "Forwarding from 127.0.0.1:4567 -> 8333"; head -c 1000000 /dev/zero; '
        f"touch {tmp_path}/printed; exec sleep 30"
    )
    with port_forward.local_address(ENDPOINT, "do"):
        end = time.monotonic() + 10
        while not (tmp_path / "printed").exists():
            assert time.monotonic() < end
            time.sleep(0.01)


def test_nothing_runs_on_after_the_download(kubectl: Callable[[str], None]) -> None:
    kubectl('echo "Forwarding from 127.0.0.1:4567 -> 8333"; echo more; exec sleep 30')
    before = threading.active_count()
    for _ in range(5):
        with port_forward.local_address(ENDPOINT, "do"):
            assert threading.active_count() == before


def test_kubectl_ends_with_the_download(kubectl: Callable[[str], None], tmp_path: Path) -> None:
    kubectl(f'trap "touch {tmp_path}/ended; exit" TERM; echo "Forwarding from 127.0.0.1:4567 -> 8333"; sleep 1 & wait')
    with port_forward.local_address(ENDPOINT, "do"):
        pass
    assert (tmp_path / "ended").exists()


def test_a_port_forward_that_fails(kubectl: Callable[[str], None]) -> None:
    kubectl("echo 'error: no ready pods'; exit 1")
    with (
        pytest.raises(UnavailableError, match="kubectl port-forward failed: error: no ready pods"),
        port_forward.local_address(ENDPOINT, "do"),
    ):
        pass


def test_a_port_forward_that_says_nothing(kubectl: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_forward, "_START_SECONDS", 0.1)
    kubectl("exec sleep 30")
    with (
        pytest.raises(UnavailableError, match="kubectl port-forward failed: no answer in time"),
        port_forward.local_address(ENDPOINT, "do"),
    ):
        pass


def test_a_port_forward_that_is_not_allowed(kubectl: Callable[[str], None]) -> None:
    missing = (
        'services "store" is forbidden: User "jane" cannot get resource "services" in API group "" in the namespace "n"'
    )
    kubectl(f"echo 'Error from server (Forbidden): {missing}'; exit 1")
    with (
        pytest.raises(DeniedError, match="jane may not get services in namespace n"),
        port_forward.local_address(ENDPOINT, "do"),
    ):
        pass


def test_without_kubectl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with (
        pytest.raises(UnavailableError, match=r"inside the cluster only.*: do, or install kubectl"),
        port_forward.local_address(ENDPOINT, "do"),
    ):
        pass


@pytest.mark.parametrize("endpoint", ["127.0.0.1:8333", "localhost:9000", "s3.amazonaws.com"])
def test_other_addresses_are_used_as_they_are(endpoint: str) -> None:
    with port_forward.local_address(endpoint, "do") as address:
        assert address == endpoint
