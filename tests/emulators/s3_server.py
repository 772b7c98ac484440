"""SeaweedFS on loopback, for as long as a block lasts; the emulator of S3."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steps import s3
from tests.emulators import processes
from tests.emulators.buckets import LONG, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steps.buckets import Patience

ACCESS, SECRET = "ACCESS-3f1c9d", "s3cr3t-8d7f6a5b4c"
READER, READER_SECRET = "READER-77aa01", "s3cr3t-of-the-reader"


@dataclass(frozen=True)
class S3Server(Server):
    """The running emulator."""

    scheme = "s3://"
    module = "steps.s3"
    service = "S3"
    others = (
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

    def store_at(self, url: str, patience: Patience = LONG) -> s3.Store:
        return store_at(url, patience)

    def create(self, bucket: str) -> None:
        store_at(self.url).client.create_bucket(Bucket=bucket)

    def names(self, bucket: str) -> list[str]:
        listed = store_at(self.url).client.list_objects_v2(Bucket=bucket).get("Contents", ())
        return sorted(str(entry["Key"]) for entry in listed)

    def environment(self, url: str = "") -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": ACCESS,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL": url or self.url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@functools.cache
def store_at(url: str, patience: Patience = LONG, access: str = ACCESS, secret: str = SECRET) -> s3.Store:
    """Return a store whose client goes to ``url`` with an account's keys."""
    return s3.connect(s3.Access(url, "us-east-1", access, secret), patience)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[S3Server]:
    """Run the server, which works and has its data in ``folder``."""
    program = processes.program("SeaweedFS", "bin/weed", "lib/*/site-packages/bin/weed")
    identities = {
        "identities": [
            _identity("writer", ACCESS, SECRET, ["Admin", "Read", "Write", "List"]),
            _identity("reader", READER, READER_SECRET, ["Read", "List"]),
        ]
    }
    (folder / "identities.json").write_text(json.dumps(identities))

    def command(port: int) -> list[str]:
        data = folder / f"data-{port}"
        data.mkdir(exist_ok=True)
        words = [program, "mini", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.port={port}"]
        words += [f"-s3.config={folder / 'identities.json'}", "-s3.autoCreateBucket=false"]
        words += ["-master.telemetry=false", "-admin.ui=false", "-webdav=false"]
        # Each bucket of a test takes volumes. By default there are as many as the disk has free gigabytes.
        words += ["-volume.max=2000"]
        words += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
        for each in ("master", "volume", "filer", "admin"):
            words += [f"-{each}.port={processes.free_port()}", f"-{each}.port.grpc={processes.free_port()}"]
        return [*words, f"-s3.port.grpc={processes.free_port()}"]

    try:
        with processes.running(command, "/healthz", folder) as port:
            yield S3Server(port)
    finally:
        for data in folder.glob("data-*"):
            shutil.rmtree(data, ignore_errors=True)


def _identity(name: str, access: str, secret: str, actions: list[str]) -> dict[str, Any]:
    return {"name": name, "credentials": [{"accessKey": access, "secretKey": secret}], "actions": actions}
