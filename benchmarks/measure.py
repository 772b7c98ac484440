"""Run a command and measure it: wall clock, peak memory of all its processes, and how busy the machine was besides.

Memory is the proportional set size (PSS) of every process of the command, summed and sampled, of which the largest sum
is kept: a page that processes share counts once in all, files of the page cache that nothing has mapped do not count.
A process belongs to the command when it is in the session the command was started in, or a child of one that belongs.
Linux only.
"""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

INTERVAL_SECONDS = 0.1
LARGEST_SHARE = 0.05  # of one core, for the sampling itself
_PROC = Path("/proc")
_IDLE_FIELDS = (3, 4)  # of the first line of /proc/stat: idle, and waiting for a disk


class CommandError(RuntimeError):
    """A measured command did not end with 0."""


@dataclass(frozen=True)
class Measured:
    """A command that ran: its standard output, its figures, and the cores that other programs kept busy meanwhile."""

    output: str
    seconds: float
    peak_bytes: int
    cpu_seconds: float
    other_cores: float


@dataclass(frozen=True)
class ProcessState:
    """What one line of ``/proc/PID/stat`` says; ``ticks`` is the CPU time of it and of the children it waited for."""

    pid: int
    parent: int
    session: int
    ticks: int


def run(command: Sequence[str], folder: Path) -> Measured:
    """Run ``command`` in ``folder``, its standard error going to ours, and measure it; CommandError if it fails."""
    with tempfile.TemporaryFile("w+") as output:
        busy, start = _busy_ticks(), time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=output, start_new_session=True)
        try:
            peak, ticks = _watch(process.pid)
            seconds = time.perf_counter() - start
            busy = _busy_ticks() - busy
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait()
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise CommandError(f"{' '.join(command)} ended with exit code {process.returncode}")
    per_second = os.sysconf("SC_CLK_TCK")
    others = max(0.0, (busy - ticks) / per_second / seconds)
    return Measured(text, seconds, peak, ticks / per_second, others)


def _watch(pid: int) -> tuple[int, int]:
    """Sample until the process ends; return the peak of the summed PSS in bytes, and the CPU ticks of its tree."""
    peak = ticks = 0
    ended = os.pidfd_open(pid)
    try:
        pause = 0.0
        while not select.select([ended], [], [], pause)[0]:
            before = time.thread_time()
            tree = members(_processes(), pid)
            ticks = max(ticks, sum(state.ticks for state in tree))
            peak = max(peak, sum(_pss_bytes(state.pid) for state in tree))
            pause = max(INTERVAL_SECONDS, (time.thread_time() - before) / LARGEST_SHARE)
    finally:
        os.close(ended)
    return peak, ticks


def members(states: Iterable[ProcessState], root: int) -> list[ProcessState]:
    """Return the processes of the command whose first process is ``root``, which leads its session."""
    table = {state.pid: state for state in states}
    return [state for state in table.values() if _belongs(state, table, root)]


def _belongs(state: ProcessState, table: Mapping[int, ProcessState], root: int) -> bool:
    seen: set[int] = set()
    while state.session != root:
        seen.add(state.pid)
        if state.parent not in table or state.parent in seen:
            return False
        state = table[state.parent]
    return True


def parse_stat(text: str) -> ProcessState:
    """Read a ``/proc/PID/stat`` line; the program's name, in brackets, may itself hold brackets and spaces."""
    fields = text[text.rindex(")") + 2 :].split()
    ticks = sum(int(value) for value in fields[11:15])
    return ProcessState(int(text[: text.index(" ")]), int(fields[1]), int(fields[3]), ticks)


def _processes() -> list[ProcessState]:
    texts = (_read(path) for path in _PROC.glob("[0-9]*/stat"))
    return [parse_stat(text) for text in texts if text]


def _pss_bytes(pid: int) -> int:
    for line in _read(_PROC / str(pid) / "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(path: Path) -> str:
    """Return the text of a file of ``/proc``, nothing if its process has ended."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _busy_ticks() -> int:
    """Return the ticks that all cores together were busy since the machine started."""
    fields = [int(value) for value in (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(value for i, value in enumerate(fields) if i not in _IDLE_FIELDS)
