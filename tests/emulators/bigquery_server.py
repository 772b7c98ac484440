"""local-bigquery, an emulator for BigQuery, on loopback: REST and the Storage Read API over one DuckDB.

It has an environment of its own (`make emulators`): it needs a newer Python than the project. What it gets wrong, and
no test here can see therefore: a dry run estimates 0 bytes, ``maximum_bytes_billed`` and a session's snapshot time are
ignored, there are no permissions, no table decorators for REST, and a stream is one message.
"""

from __future__ import annotations

import os
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.emulators.processes import ROOT, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = "p1"
_START_SECONDS = 180
# Ends the server with its parent, however that ends: the parent's end closes standard input.
_WITH_PARENT = '"$@" & server=$!; read _; kill -9 $server'


@dataclass(frozen=True)
class Emulator:
    """Where it listens: ``rest`` is an address with ``http://``, ``grpc`` is ``host:port``."""

    rest: str
    grpc: str

    @property
    def environment(self) -> dict[str, str]:
        """What makes the project's code go there."""
        return {"BIGQUERY_EMULATOR_HOST": self.rest, "BIGQUERY_STORAGE_EMULATOR_HOST": self.grpc}


def environment() -> Path:
    """Return the folder of the emulators' environment; skip the test where there is none."""
    places = [Path(os.environ.get("VENV", ".venv") + "-emulators"), Path(".venv-emulators")]
    for place in places:
        if (ROOT / place / ".done").is_file():
            return (ROOT / place).resolve()
    pytest.skip("no emulators for Google's services: `make emulators` installs them (Python 3.13)")


@contextmanager
def running(folder: Path) -> Iterator[Emulator]:
    """Start an empty BigQuery that keeps its files in ``folder``; it ends with the block, or with this process."""
    home = environment()
    http, grpc = free_port(), free_port()
    command = [home / "bin/local-bigquery", "--host", "127.0.0.1", "--port", str(http), "--grpc-port", str(grpc)]
    command += ["--project", PROJECT, "--data-dir", folder / "data"]
    nowhere = {"STORAGE_EMULATOR_HOST": "http://127.0.0.1:1"}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            ["/bin/sh", "-c", _WITH_PARENT, "sh", *map(str, command)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={"HOME": str(home), "PATH": os.defpath, **nowhere},
        )
    with server:
        found = Emulator(f"http://127.0.0.1:{http}", f"127.0.0.1:{grpc}")
        _wait(found, folder / "log")
        yield found


def _wait(emulator: Emulator, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(emulator.rest, timeout=5).close()  # noqa: S310 - its address is http://
        except urllib.error.HTTPError as error:
            error.close()
            return  # it answers: that there is no such page
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"local-bigquery does not start: {log.read_text()[-2000:]}")
