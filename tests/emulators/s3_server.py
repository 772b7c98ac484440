"""SeaweedFS on loopback, for as long as a block lasts; the emulator of S3."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from steps import s3
from tests.emulators.bucket_faults import Proxy, proxied
from tests.emulators.storage_server import ENVIRONMENTS, IMPATIENT, ROOT, answers, end_with_parent, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steps.buckets import Object, Patience

ACCESS, SECRET = "ACCESS-3f1c9d", "s3cr3t-8d7f6a5b4c"
READER, READER_SECRET = "READER-77aa01", "s3cr3t-of-the-reader"
# Of the machine's own configuration, nothing is to reach a test.
_OTHERS = (
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


@dataclass(frozen=True)
class S3Server:
    """The running emulator; ``port`` is on 127.0.0.1."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def bucket(self) -> str:
        """Make a bucket of its own for a test and return its name."""
        name = f"bucket-{secrets.token_hex(6)}"
        store_at(self.url).client.create_bucket(Bucket=name)
        return name

    def environment(self, url: str = "", access: str = ACCESS, secret: str = SECRET) -> dict[str, str]:
        """Return the variables by which a process finds the emulator, or a proxy before it."""
        return {
            "AWS_ACCESS_KEY_ID": access,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_ENDPOINT_URL": url or self.url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def use(server: S3Server, monkeypatch: pytest.MonkeyPatch, url: str = "") -> None:
    """Let this process find the emulator, or a proxy before it."""
    for name in _OTHERS:
        monkeypatch.delenv(name, raising=False)
    for name, value in server.environment(url).items():
        monkeypatch.setenv(name, value)


@functools.cache
def store_at(url: str, patience: Patience = IMPATIENT, access: str = ACCESS, secret: str = SECRET) -> s3.Store:
    """Return a store whose client goes to ``url``."""
    return s3.connect(s3.Access(url, "us-east-1", access, secret), patience)


def binary() -> Path:
    """Return the server's program; skip the test where it is not installed."""
    for name in ENVIRONMENTS:
        for pattern in ("bin/weed", "lib/*/site-packages/bin/weed"):
            for found in (ROOT / name).glob(pattern):
                return found
    pytest.skip("SeaweedFS is not installed: `make emulators` does it")


@contextlib.contextmanager
def running(folder: Path) -> Iterator[S3Server]:
    """Run the server with its data in ``folder``; it ends with the block, and with this process if that is killed."""
    program = binary()
    identities = {
        "identities": [
            _identity("writer", ACCESS, SECRET, ["Admin", "Read", "Write", "List"]),
            _identity("reader", READER, READER_SECRET, ["Read", "List"]),
        ]
    }
    (folder / "identities.json").write_text(json.dumps(identities))
    for attempt in range(5):
        data = folder / f"data-{attempt}"
        data.mkdir()
        port = free_port()
        command = [str(program), "mini", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.port={port}"]
        command += [f"-s3.config={folder / 'identities.json'}", "-s3.autoCreateBucket=false"]
        command += ["-master.telemetry=false", "-admin.ui=false", "-webdav=false"]
        # Each bucket of a test takes volumes. By default there are as many as the disk has free gigabytes.
        command += ["-volume.max=2000"]
        command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
        for each in ("master", "volume", "filer", "admin"):
            command += [f"-{each}.port={free_port()}", f"-{each}.port.grpc={free_port()}"]
        command += [f"-s3.port.grpc={free_port()}"]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, "TMPDIR": str(data)},  # for its logs
            preexec_fn=end_with_parent,  # noqa: PLW1509
        )
        try:
            if answers(process, f"http://127.0.0.1:{port}/healthz"):
                yield S3Server(port)
                return
        finally:
            process.kill()
            process.wait()
            shutil.rmtree(data, ignore_errors=True)
    raise AssertionError("SeaweedFS does not start")


def _identity(name: str, access: str, secret: str, actions: list[str]) -> dict[str, Any]:
    return {"name": name, "credentials": [{"accessKey": access, "secretKey": secret}], "actions": actions}


@dataclass(frozen=True)
class S3Cloud:
    """What a test works with: a bucket of its own, and the way there, direct and behind a proxy that breaks things."""

    server: S3Server
    bucket: str
    proxy: Proxy
    folder: Path

    @property
    def store(self) -> s3.Store:
        return store_at(self.server.url)

    def broken(self, patience: Patience = IMPATIENT) -> s3.Store:
        return store_at(self.proxy.url, patience)

    def uri(self, name: str) -> str:
        return f"s3://{self.bucket}/{name}"

    def file(self, size: int = 300_000, name: str = "file") -> Path:
        (self.folder / name).write_bytes(os.urandom(size))
        return self.folder / name

    def put(self, name: str = "x", size: int = 300_000) -> tuple[Object, Path]:
        """Make an object of a file with random bytes; return both."""
        path = self.file(size)
        return self.store.upload(path, self.uri(name), if_absent=True), path

    def names(self) -> list[str]:
        """Return the names of all objects."""
        listed = self.store.client.list_objects_v2(Bucket=self.bucket).get("Contents", ())
        return sorted(str(entry["Key"]) for entry in listed)


@contextlib.contextmanager
def cloud_of(server: S3Server, folder: Path) -> Iterator[S3Cloud]:
    """Make a bucket, and run a proxy."""
    with proxied(server.port, keep_host=True) as proxy:
        yield S3Cloud(server, server.bucket(), proxy, folder)
