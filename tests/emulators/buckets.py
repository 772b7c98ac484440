"""What a test of a bucket works with, whichever store the bucket is in."""

from __future__ import annotations

import contextlib
import os
import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from steps.buckets import Patience
from tests.emulators.bucket_faults import Proxy, proxied

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from steps.buckets import Object, Store

SIZE = 300_000
# More than fits into one request of an upload.
LARGE = (8 << 20) + 4321
# For requests that must get through however busy the machine is, and for those that never get through.
LONG = Patience(seconds=20, first_wait=0.02, connect=5, silence=10)
SHORT = Patience(seconds=0.3, first_wait=0.02, connect=5, silence=10)
# The methods of requests that upload, and the targets of those that download, in every store.
UPLOADS, DOWNLOADS = "POST|PUT", r"(?:alt=media|^/bucket-\w+/)"


@dataclass(frozen=True)
class Server(ABC):
    """A running emulator of a store; ``port`` is on 127.0.0.1.

    Attributes:
        scheme: The scheme of the store's addresses.
        module: The package of its client.
        service: Its name in messages.
        others: Variables of the environment that would lead a process to another store.
    """

    port: int
    scheme: ClassVar[str]
    module: ClassVar[str]
    service: ClassVar[str]
    others: ClassVar[tuple[str, ...]] = ()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @abstractmethod
    def store_at(self, url: str, patience: Patience = LONG) -> Store:
        """Return a store whose client goes to ``url``."""

    @abstractmethod
    def create(self, bucket: str) -> None:
        """Create a bucket with this name."""

    @abstractmethod
    def names(self, bucket: str) -> list[str]:
        """Return the names of all objects of a bucket, sorted."""

    @abstractmethod
    def environment(self, url: str = "") -> dict[str, str]:
        """Return the variables by which a process finds the emulator, or a proxy before it."""

    def use(self, monkeypatch: pytest.MonkeyPatch, url: str = "") -> None:
        """Let this process find the emulator, or a proxy before it."""
        for name in self.others:
            monkeypatch.delenv(name, raising=False)
        for name, value in self.environment(url).items():
            monkeypatch.setenv(name, value)

    def new_bucket(self) -> str:
        """Create a bucket of its own for a test and return its name."""
        name = f"bucket-{secrets.token_hex(6)}"
        self.create(name)
        return name

    @contextlib.contextmanager
    def bucket(self, folder: Path) -> Iterator[Bucket]:
        """Create a bucket, and run a proxy."""
        name = self.new_bucket()
        with proxied(self.port, s3=self.scheme == "s3://") as proxy:
            yield Bucket(self, name, proxy, folder)


@dataclass(frozen=True)
class Bucket:
    """A bucket of a test's own, and the way there, direct and by a proxy that breaks things.

    ``folder`` is for the test's files.
    """

    server: Server
    name: str
    proxy: Proxy
    folder: Path

    @property
    def store(self) -> Store:
        return self.server.store_at(self.server.url)

    def broken(self, patience: Patience = LONG) -> Store:
        return self.server.store_at(self.proxy.url, patience)

    def uri(self, name: str = "") -> str:
        return f"{self.server.scheme}{self.name}/{name}"

    def file(self, size: int = SIZE, name: str = "file") -> Path:
        (self.folder / name).write_bytes(os.urandom(size))
        return self.folder / name

    def put(self, name: str = "x", size: int = SIZE) -> tuple[Object, Path]:
        """Make an object of a file with random bytes; return both."""
        path = self.file(size)
        return self.store.upload(path, self.uri(name), if_absent=True), path

    def names(self) -> list[str]:
        """Return the names of all objects."""
        return self.server.names(self.name)

    def use(self, monkeypatch: pytest.MonkeyPatch, patience: Patience | None = None) -> None:
        """Let this process find the emulator; with ``patience``, by way of the proxy."""
        if patience:
            monkeypatch.setattr(f"{self.server.module}.store.PATIENCE", patience)
        self.server.use(monkeypatch, self.proxy.url if patience else "")
