"""A step as a process of its own, forked from a server that has imported the heavy modules once.

A fork server and not a fork of this process: forking after Arrow, OpenMP or rich have started threads can deadlock.
The server imports in the background. A step that is wanted before it has imported all may rather be a process that
imports what it needs itself.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import multiprocessing.forkserver
import os
import runpy
import signal
import sys
import threading
import time
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from steps.core.errors import PipelineError, from_os_error
from steps.core.runtime import cannot_load, flush_output, prepare_process
from steps.core.runtime import log as log_line
from workflows.local import socket_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from multiprocessing.process import BaseProcess

_SERVER, _FRESH = multiprocessing.get_context("forkserver"), multiprocessing.get_context("spawn")
_GRACE_SECONDS = 5.0
_ROOT = str(Path(__file__).resolve().parents[2])
# Environment variable with the names of the modules that the server imports, separated by commas.
PRELOAD = "COVERTYPE_PRELOAD"
# Exit code of a process whose module cannot be imported, as a shell has it for what cannot be executed.
CANNOT_LOAD = 126
_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


@dataclass(frozen=True)
class Command:
    """``python -m module arguments`` with more environment, its output going to a log file."""

    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path


class Process:
    """A started command: a child of the fork server, or with ``fresh`` a new interpreter."""

    def __init__(self, command: Command, *, fresh: bool = False) -> None:
        command.log.parent.mkdir(parents=True, exist_ok=True)
        self._process: BaseProcess = (_FRESH if fresh else _SERVER).Process(
            target=_main,
            args=(command.module, list(command.arguments), dict(command.environment), str(command.log)),
            daemon=True,
        )
        try:
            with _child_start():
                self._process.start()
        except (EOFError, ConnectionError) as error:
            what = f"the server that starts the steps has ended ({type(error).__name__})"
            raise PipelineError(what, fix="run again; if it ends again, look for a memory limit") from error

    @property
    def sentinel(self) -> int:
        """A handle that becomes readable when the process ends."""
        return self._process.sentinel

    @property
    def exit_code(self) -> int | None:
        """The exit code, 128 + n after signal n as a shell has it; None while the process runs."""
        code = self._process.exitcode
        return 128 - code if code is not None and code < 0 else code

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def kill_after(self, seconds: float) -> None:
        """Wait until the process has ended, and send SIGKILL when it has not after so many seconds."""
        self._process.join(max(0.0, seconds))
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def stop(running: Sequence[Process]) -> None:
    """End processes: SIGTERM to all, and SIGKILL to those that have not ended after five seconds."""
    for process in running:
        process.terminate()
    end = time.monotonic() + _GRACE_SECONDS
    for process in running:
        process.kill_after(end - time.monotonic())


def start_server(modules: Sequence[str]) -> None:
    """Start the fork server, which imports these modules in the background; does nothing where one runs already."""
    _SERVER.set_forkserver_preload(["workflows.local.warm"])
    with _child_start(**{PRELOAD: ",".join(modules)}), socket_folder.chosen():
        multiprocessing.forkserver.ensure_running()


@contextmanager
def _child_start(**environment: str) -> Iterator[None]:
    """Start an interpreter that this project's code is imported in, never the current folder's, and no signal reaches.

    multiprocessing starts its interpreters with ``-c``, which puts the current folder first on the path: a file
    ``queue.py`` there would be imported instead of the standard library's.
    """
    path = os.pathsep.join(filter(None, [_ROOT, os.environ.get("PYTHONPATH")]))
    with _environment(PYTHONSAFEPATH="1", PYTHONPATH=path, **environment), _signals_blocked():
        yield


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set environment variables for what is started in the block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Keep signals from what is started here, also while it imports; in this process they are only put off."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def wait(sentinels: Sequence[int], timeout: float) -> None:
    """Return when one of the processes has ended, or after ``timeout`` seconds."""
    multiprocessing.connection.wait(sentinels, timeout)


def _main(module: str, arguments: list[str], environment: dict[str, str], log: str) -> None:
    """Run a module in this fresh process as ``python -m`` would, and exit with its code."""
    _follow_parent()
    for number in (signal.SIGINT, signal.SIGHUP):  # they reach the whole group: the runner decides who ends
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    try:
        file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    except OSError as error:  # nobody to tell but the runner
        os._exit(from_os_error(error).exit_code)
    for stream in (1, 2):
        os.dup2(file, stream)
    # A log is UTF-8 whatever the locale says: the runner reads its error lines.
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as the process
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
    prepare_process()
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    code = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as error:  # noqa: BLE001 - a step's own errors end as SystemExit: this one is from importing it
        traceback.print_exc()
        log_line(f"error: {cannot_load(module, error)}")
        code = CANNOT_LOAD
    flush_output()
    os._exit(code)  # threads of native libraries need no farewell


def _follow_parent() -> None:
    """End this process when the runner ends, however it does."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)  # the clean-up is the main thread's
        time.sleep(_GRACE_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
