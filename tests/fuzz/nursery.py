"""A process that has imported the project and forks a child for every command, with limits of time and memory.

A child that hangs, crashes or changes its process does not affect the next one. The process of the tests is not forked,
because it may have threads. ``python -m tests.fuzz.nursery`` is the forking process; a request is a line of JSON.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
MEMORY_BYTES = 8 << 30
CRASHED = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGKILL)
# Settings of the test machine must not affect the commands.
_PREFIX = "COVERTYPE_"
_POLL_SECONDS = 0.005
_HEAVY = ("pandas", "xgboost", "optuna", "matplotlib.pyplot", "sklearn.metrics", "skops.io")


@dataclass(frozen=True)
class Ended:
    """Result of a command. ``code`` is None after a timeout, and negative after a signal."""

    words: tuple[str, ...]
    code: int | None
    out: str
    err: str
    seconds: float

    @property
    def errors(self) -> list[str]:
        """The error lines."""
        return [line for line in self.err.split("\n") if line.startswith("error")]


class Nursery:
    """The client of the forking process, which it starts; use it as a context manager."""

    def __enter__(self) -> Self:
        """Start the forking process. Its imports take seconds, for which the first request waits."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)}
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.nursery"],
            cwd=ROOT,
            env={**environment, "PYTHONPATH": str(ROOT), "MPLBACKEND": "svg"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the forking process."""
        self._server.stdin.close()  # type: ignore[union-attr]
        self._server.wait(30)
        self._server.stdout.close()  # type: ignore[union-attr]

    def run(
        self, kind: str, words: Sequence[object], folder: Path, *, seconds: float = 30, encoding: str = "utf-8"
    ) -> Ended:
        """Run a command of a kind of ``inside.KINDS`` in a folder, which also receives its output."""
        plain = tuple(str(word) for word in words)
        request = {"kind": kind, "words": plain, "folder": str(folder), "seconds": seconds, "encoding": encoding}
        print(json.dumps(request), file=self._server.stdin, flush=True)
        answer = json.loads(self._server.stdout.readline())  # type: ignore[union-attr]
        return Ended(plain, answer["code"], read(folder / "stdout"), read(folder / "stderr"), answer["seconds"])


def read(path: Path) -> str:
    """Return a text file with its line ends unchanged."""
    return path.read_bytes().decode(errors="backslashreplace")


def run_alone(
    words: Sequence[object], folder: Path, *, seconds: float = 90, environment: dict[str, str] | None = None
) -> Ended:
    """Run ``python WORDS`` in its folder as a user does, and kill all its processes after a timeout."""
    plain = tuple(str(word) for word in words)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)}
    started = time.monotonic()
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, *plain],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
            env={**clean, "PYTHONPATH": str(ROOT), **(environment or {})},
        )
        try:
            code: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        if code is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    took = time.monotonic() - started
    return Ended(plain, code, read(folder / "stdout"), read(folder / "stderr"), took)


# --- the forking side ---


def serve() -> None:
    """Answer each request with one line of JSON, until the input ends."""
    from tests.fuzz import inside
    from workflows.local.fingerprint import fingerprint

    steps = [f"steps.{name}" for name in importlib.import_module("steps").NAMES]
    for name in sorted({name for step in steps for name in fingerprint(step).modules} - set(steps)):
        importlib.import_module(name)
    for name in (
        *_HEAVY,
        "workflows.runs.run_here",
        "workflows.rendering",
        "workflows.cli.linting",
        "workflows.local.warm",
    ):
        importlib.import_module(name)
    warnings.simplefilter("default")
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            _child(inside.main, request)
        code = _wait(child, request["seconds"])
        print(json.dumps({"code": code, "seconds": time.monotonic() - started}), flush=True)


def _child(run: Any, request: dict[str, Any]) -> None:
    """Run a request in a forked process, and exit."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.chdir(request["folder"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for stream, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), stream)
    code = 1
    try:
        code = run(request["kind"], request["words"], request["encoding"])
    finally:
        os._exit(code)


def _wait(child: int, seconds: float) -> int | None:
    """Return the exit code of a child, negative after a signal. After a timeout, kill its session and return None."""
    end = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    serve()
