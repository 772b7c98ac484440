"""Run a command and measure its wall time, CPU time and peak memory, and how busy the rest of the machine was.

Memory is the proportional set size (PSS), summed over all processes of the command; the peak is the largest of the sums
that were sampled. A page that processes share counts once. Files in the page cache do not count unless a process maps
them. A process belongs to the command if it is in the session of the command's first process, or if its parent belongs.
Linux only.
"""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

INTERVAL_SECONDS = 0.1
LARGEST_SHARE = 0.05  # of one core, for the sampling itself


class CommandError(RuntimeError):
    """A measured command did not exit with 0."""


@dataclass(frozen=True)
class Measured:
    """A command that ended.

    Attributes:
        output: its standard output.
        seconds: wall time.
        peak_bytes: peak of the summed PSS of its processes.
        cpu_seconds: CPU time of its processes.
        other_cores: mean number of cores that other programs kept busy meanwhile.
    """

    output: str
    seconds: float
    peak_bytes: int
    cpu_seconds: float
    other_cores: float


def run(command: Sequence[str], folder: Path) -> Measured:
    """Run a command in a folder and measure it. Its standard error goes to ours.

    Raises:
        CommandError: the command did not exit with 0.
    """
    with tempfile.TemporaryFile("w+") as output:
        busy, start = _busy_seconds(), time.perf_counter()
        process = psutil.Popen(command, cwd=folder, stdout=output, start_new_session=True)
        try:
            peak, cpu_seconds = _watch(process)
            seconds = time.perf_counter() - start
            busy = _busy_seconds() - busy
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait()
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise CommandError(f"{' '.join(command)} ended with exit code {process.returncode}")
    return Measured(text, seconds, peak, cpu_seconds, max(0.0, (busy - cpu_seconds) / seconds))


def _watch(process: psutil.Popen) -> tuple[int, float]:
    """Sample until a process ends; return the peak of the summed PSS in bytes, and the CPU time in seconds."""
    peak, cpu_seconds, pause = 0, 0.0, 0.0
    while not _ended(process, pause):
        before = time.thread_time()
        tree = members(process.pid)
        cpu_seconds = max(cpu_seconds, sum(_cpu_seconds(each) for each in tree))
        peak = max(peak, sum(_pss_bytes(each) for each in tree))
        pause = max(INTERVAL_SECONDS, (time.thread_time() - before) / LARGEST_SHARE)
    return peak, cpu_seconds


def _ended(process: psutil.Popen, timeout: float) -> bool:
    try:
        process.wait(timeout)
    except psutil.TimeoutExpired:
        return False
    return True


def members(root: int) -> list[psutil.Process]:
    """Return the processes of the command whose first process is ``root``, which leads its session."""
    table = {process.pid: process for process in psutil.process_iter(["ppid"])}
    return [process for process in table.values() if _belongs(process, table, root)]


def _belongs(process: psutil.Process, table: Mapping[int, psutil.Process], root: int) -> bool:
    seen: set[int] = set()
    while _session(process.pid) != root:
        seen.add(process.pid)
        parent = process.info["ppid"]
        if parent not in table or parent in seen:
            return False
        process = table[parent]
    return True


def _session(pid: int) -> int | None:
    """Return the session of a process, None if the process has ended."""
    with suppress(ProcessLookupError):
        return os.getsid(pid)
    return None


def _cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU time of a process and of the children that it waited for."""
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return times.user + times.system + times.children_user + times.children_system
    return 0.0


def _pss_bytes(process: psutil.Process) -> int:
    """Return the proportional set size of a process, 0 if it has ended."""
    with suppress(psutil.NoSuchProcess):
        return int(process.memory_full_info().pss)
    return 0


def _busy_seconds() -> float:
    """Return how long all cores together were busy since the machine started; waiting for a disk is not busy."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + times.irq + times.softirq + times.steal
