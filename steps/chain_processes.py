"""Run the steps of several cover types side by side: one process ``python -m steps.chain`` for each."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps import module_path
from steps.core import runtime
from steps.core.errors import shell_exit_code

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

_STEP_LINE = re.compile(r"step (?P<step>\S+) \(\d+ of \d+\)")
_ERROR = "error: "
# Seconds between SIGTERM and SIGKILL; whatever ends this process waits for five.
_GRACE_SECONDS = 3.0


@dataclass
class Ended:
    """How the steps of a cover type ended.

    Attributes:
        name: name of the cover type.
        code: exit code.
        message: text of the last error line, empty if there was none.
        last_step: the step that ran last, empty if none ran.
    """

    name: str
    code: int = 0
    message: str = ""
    last_step: str = ""


def run_all(words: Mapping[str, Sequence[str]], parallel: int) -> Generator[Ended, None, None]:
    """Run the steps of all cover types, and yield how each cover type ended, in the order of their ends.

    The lines that a process prints begin with the name of its cover type. Any exception ends all processes.

    Args:
        words: command line of ``steps.chain`` by cover type.
        parallel: number of processes at a time.
    """
    waiting, running = list(words.items()), dict[str, subprocess.Popen[str]]()
    ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
    try:
        while waiting or running:
            while waiting and len(running) < parallel:
                name, own = waiting.pop(0)
                running[name] = _start(own)
                threading.Thread(target=_read, args=(name, running[name], ended), daemon=True).start()
            found = ended.get()
            del running[found.name]
            yield found
    finally:
        _stop(list(running.values()))


def _start(words: Sequence[str]) -> subprocess.Popen[str]:
    """Start a process; it reports no progress, because all processes would write to the same file."""
    shared = {runtime.ARGO_PROGRESS, runtime.LOCAL_PROGRESS}
    environment = {name: value for name, value in os.environ.items() if name not in shared}
    environment["PYTHONPATH"] = module_path()
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "steps.chain", *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )


def _read(name: str, process: subprocess.Popen[str], ended: queue.SimpleQueue[Ended]) -> None:
    """Log the lines of a process until it ends."""
    found = Ended(name)
    with process.stderr or nullcontext(()) as lines:
        for line in lines:
            text = line.rstrip("\n")
            runtime.log(f"{name}: {text}")
            if match := _STEP_LINE.fullmatch(text):
                found.last_step = match["step"]
            if text.startswith(_ERROR):
                found.message = text.removeprefix(_ERROR)
    code = process.wait()
    found.code = shell_exit_code(code)
    if code < 0 and not found.message:
        found.message = f"ended by signal {-code}"
    ended.put(found)


def _stop(processes: Sequence[subprocess.Popen[str]]) -> None:
    """Send SIGTERM to all processes, and SIGKILL to those that do not end in time."""
    for process in processes:
        process.terminate()
    end = time.monotonic() + _GRACE_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
