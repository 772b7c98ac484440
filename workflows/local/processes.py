"""A step as a process of its own, forked from a server that has imported the heavy modules once.

A fork server and not a fork of this process: forking after Arrow, OpenMP or rich have started threads can deadlock.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import runpy
import signal
import sys
import threading
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class Command:
    """``python -m module arguments`` with more environment, its output going to a log file."""

    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path


class Process:
    """A started command."""

    def __init__(self, command: Command) -> None:
        command.log.parent.mkdir(parents=True, exist_ok=True)
        self._process: ForkServerProcess = _CONTEXT.Process(
            target=_main,
            args=(command.module, list(command.arguments), dict(command.environment), str(command.log)),
            daemon=True,
        )
        self._process.start()

    @property
    def sentinel(self) -> int:
        """A handle that becomes readable when the process ends."""
        return self._process.sentinel

    @property
    def exit_code(self) -> int | None:
        """The exit code, 128 + n after signal n as a shell has it; None while the process runs."""
        code = self._process.exitcode
        return 128 - code if code is not None and code < 0 else code

    def stop(self) -> None:
        """End the process: SIGTERM, and SIGKILL when it has not ended after five seconds."""
        self._process.terminate()
        self._process.join(_GRACE_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def preload(modules: Sequence[str]) -> None:
    """Name the modules that the fork server imports before its first step; call it before any step is started."""
    _CONTEXT.set_forkserver_preload(list(modules))


def wait(sentinels: Sequence[int], timeout: float) -> None:
    """Return when one of the processes has ended, or after ``timeout`` seconds."""
    multiprocessing.connection.wait(sentinels, timeout)


def _main(module: str, arguments: list[str], environment: dict[str, str], log: str) -> None:
    """Run a module in this fresh process as ``python -m`` would, and exit with its code."""
    _follow_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the runner decides who ends
    with open(log, "ab", buffering=0) as file:  # noqa: PTH123 - inherited by what the step starts
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - lives as long as the process
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    code = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - a process ends with a traceback in its log and a code, nothing else
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # threads of native libraries need no farewell


def _follow_parent() -> None:
    """End this process when the runner ends, however it does."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
