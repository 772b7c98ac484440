"""Servers on loopback, each a process that ends with a block, and with this process if that is killed."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
_ENVIRONMENTS = (".venv-emulators", *sorted(path.name for path in ROOT.glob(".venv*-emulators")))
_PR_SET_PDEATHSIG = 1


def program(name: str, *patterns: str) -> str:
    """Return the path of an emulator's program; skip the test where it is not installed."""
    for environment in _ENVIRONMENTS:
        for pattern in patterns:
            for found in (ROOT / environment).glob(pattern):
                return str(found)
    pytest.skip(f"{name} is not installed: `make emulators` does it")


def free_port() -> int:
    """Return a port of loopback on which nobody listens now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def end_with_parent() -> None:
    """Let the kernel kill this process when its parent ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def running(command: Callable[[int], list[str]], health: str, folder: Path) -> Iterator[int]:
    """Run the server whose command ``command`` returns for a port; yield the port on which it answers ``health``.

    ``folder`` is where it works and keeps its temporary files.
    """
    for _ in range(5):
        port = free_port()
        process = subprocess.Popen(
            command(port),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, "TMPDIR": str(folder)},
            preexec_fn=end_with_parent,  # noqa: PLW1509
        )
        try:
            if _answers(process, f"http://127.0.0.1:{port}{health}"):
                yield port
                return
        finally:
            process.kill()
            process.wait()
    raise AssertionError(f"the server does not start: {' '.join(command(port))}")


def _answers(process: subprocess.Popen[bytes], url: str) -> bool:
    """Wait until the server answers; False where it ended, because another process took its port."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):  # noqa: S310 - loopback
            return True
        time.sleep(0.02)
    return False
