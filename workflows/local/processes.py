"""Starts each step as a child process of a fork server, which has imported the heavy modules once.

A fork server is used because forking this process can deadlock after Arrow, OpenMP or rich have started threads. The
server imports in the background. A step that starts before it has finished can be a new interpreter instead, which
imports only what it needs.
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

_FORK_SERVER, _SPAWN = multiprocessing.get_context("forkserver"), multiprocessing.get_context("spawn")
_GRACE_SECONDS = 5.0
_ROOT = str(Path(__file__).resolve().parents[2])
# Environment variable with the names of the modules that the fork server imports, separated by commas.
PRELOAD_VARIABLE = "LOCAL_EXECUTOR_PRELOAD"
# Exit code of a process whose module cannot be imported. Shells use it for a command that cannot be executed.
CANNOT_LOAD = 126
_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


@dataclass(frozen=True)
class Command:
    """The command ``python -m module arguments``.

    Attributes:
        module: name of the module.
        arguments: its command line.
        environment: environment variables besides those of this process.
        log: file to which the output is appended.
    """

    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path


class Process:
    """A started command.

    Args:
        command: the command to start.
        fresh: start a new interpreter instead of a child of the fork server.

    Raises:
        PipelineError: the fork server has ended.
    """

    def __init__(self, command: Command, *, fresh: bool = False) -> None:
        command.log.parent.mkdir(parents=True, exist_ok=True)
        self._process: BaseProcess = (_SPAWN if fresh else _FORK_SERVER).Process(
            target=_run_module,
            args=(command.module, list(command.arguments), dict(command.environment), str(command.log)),
            daemon=True,
        )
        try:
            with _child_settings():
                self._process.start()
        except (EOFError, ConnectionError) as error:
            what = f"the fork server that starts the steps has ended ({type(error).__name__})"
            raise PipelineError(what, fix="run again; if it ends again, look for a memory limit") from error

    @property
    def sentinel(self) -> int:
        """A file descriptor that becomes readable when the process ends."""
        return self._process.sentinel

    @property
    def exit_code(self) -> int | None:
        """The exit code, 128 + n after signal n as in a shell; None while the process is running."""
        code = self._process.exitcode
        return 128 - code if code is not None and code < 0 else code

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def kill_after(self, seconds: float) -> None:
        """Wait until the process ends, and send SIGKILL after so many seconds."""
        self._process.join(max(0.0, seconds))
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def stop_processes(running: Sequence[Process]) -> None:
    """End processes: send SIGTERM to all, and after five seconds SIGKILL to those that are still running."""
    for process in running:
        process.terminate()
    end = time.monotonic() + _GRACE_SECONDS
    for process in running:
        process.kill_after(end - time.monotonic())


def start_fork_server(modules: Sequence[str]) -> None:
    """Start the fork server, which imports these modules in the background; do nothing if one is already running."""
    _FORK_SERVER.set_forkserver_preload(["workflows.local.warm"])
    with _child_settings(**{PRELOAD_VARIABLE: ",".join(modules)}), socket_folder.short_temporary_folder():
        multiprocessing.forkserver.ensure_running()


@contextmanager
def _child_settings(**environment: str) -> Iterator[None]:
    """Set the module path and block signals for interpreters that are started in the block.

    They must import this project's code, and nothing from the current folder. multiprocessing starts interpreters with
    ``-c``, which puts that folder first on the path. A file ``queue.py`` there would be imported in place of the module
    of the standard library.
    """
    path = os.pathsep.join(filter(None, [_ROOT, os.environ.get("PYTHONPATH")]))
    with _environment(PYTHONSAFEPATH="1", PYTHONPATH=path, **environment), _signals_blocked():
        yield


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set environment variables for processes that are started in the block."""
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
    """Block signals in processes that are started in the block; in this process they arrive after the block.

    A started process inherits the mask, and unblocks the signals when it can handle them.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def wait_for_any(sentinels: Sequence[int], timeout: float) -> None:
    """Return when a process with one of these sentinels has ended, or after ``timeout`` seconds."""
    multiprocessing.connection.wait(sentinels, timeout)


def _run_module(module: str, arguments: list[str], environment: dict[str, str], log: str) -> None:
    """Run a module in this new process as ``python -m`` does, and exit with its code."""
    _exit_with_parent()
    # A terminal sends these signals to the whole process group. The executor decides which steps end.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    _redirect_output(log)
    prepare_process()
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    code = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as error:  # noqa: BLE001 - the errors of a step end as SystemExit, so this is an import error
        traceback.print_exc()
        log_line(f"error: {cannot_load(module, error)}")
        code = CANNOT_LOAD
    flush_output()
    os._exit(code)  # does not wait for the threads of native libraries


def _redirect_output(log: str) -> None:
    """Append standard output and standard error of this process to a file; exit where it cannot be opened."""
    try:
        file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    except OSError as error:  # without a log, the exit code is the only message to the executor
        os._exit(from_os_error(error).exit_code)
    for stream in (1, 2):
        os.dup2(file, stream)
    # A log is UTF-8 in every locale, because the executor reads its error lines.
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as the process
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115


def _exit_with_parent() -> None:
    """End this process when the process of the executor ends, even by SIGKILL."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)  # the main thread cleans up
        time.sleep(_GRACE_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
