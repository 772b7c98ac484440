"""Run a command and measure its wall time, the peak memory of all its processes, and the load of other programs.

Memory is the largest sampled sum of the proportional set sizes (PSS) of all processes of the command. In this sum a
page that several processes share counts once, and files in the page cache that no process maps do not count. The
processes of the command are those in its session, and their children. Linux only.
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
LARGEST_SHARE = 0.05  # largest share of one core that sampling may take
_PROC = Path("/proc")
_IDLE_FIELDS = (3, 4)  # in the first line of /proc/stat: idle, and waiting for a disk


class CommandError(RuntimeError):
    """A measured command failed."""


@dataclass(frozen=True)
class Measured:
    """Standard output and figures of a command, and the number of cores that other programs kept busy meanwhile."""

    output: str
    seconds: float
    peak_bytes: int
    cpu_seconds: float
    other_cores: float


@dataclass(frozen=True)
class ProcessState:
    """A line of ``/proc/PID/stat``. ``ticks`` is the CPU time of the process and of the children that it waited for."""

    pid: int
    parent: int
    session: int
    ticks: int


def run(command: Sequence[str], folder: Path) -> Measured:
    """Run ``command`` in ``folder`` and measure it; CommandError if it fails. Its standard error is passed through."""
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
    """Sample until the process ends; return the largest sum of PSS in bytes, and the CPU ticks of its tree."""
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
    """Read a ``/proc/PID/stat`` line. The name of the program is in brackets, and may contain brackets and spaces."""
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
    """Return the text of a file of ``/proc``; empty if its process has ended."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _busy_ticks() -> int:
    """Return the ticks for which all cores together were busy since the machine started."""
    fields = [int(value) for value in (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(value for i, value in enumerate(fields) if i not in _IDLE_FIELDS)
