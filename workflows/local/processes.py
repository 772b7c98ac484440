"""Starts the processes in which steps run, as children of a fork server that has imported the heavy modules once.

A fork server is used because forking this process can deadlock after Arrow, OpenMP or rich have started threads. The
server imports in the background. A step that starts before it has finished can be a new interpreter instead, which
imports only what it needs.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import multiprocessing.forkserver
import os
import signal
import sys
import time
import types
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from steps import module_path
from steps.core.errors import PipelineError, shell_exit_code
from workflows.local import socket_folder
from workflows.local.worker import GRACE_SECONDS, PRELOAD_VARIABLE, SIGNALS, Command, run_commands

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from multiprocessing.process import BaseProcess

_FORK_SERVER, _SPAWN = multiprocessing.get_context("forkserver"), multiprocessing.get_context("spawn")


class _Worker:
    """A process that runs one command after the other.

    Args:
        fresh: start it as a new interpreter, otherwise as a child of the fork server.
        preload: module of the command that will arrive first; a new interpreter imports what it imports meanwhile.

    Attributes:
        process: the process.
        connection: sends commands; receives an answer for each that succeeds.
        modules: names of the modules that it has run.
    """

    def __init__(self, *, fresh: bool, preload: str = "") -> None:
        self.connection, theirs = multiprocessing.Pipe()
        self.process: BaseProcess = (_SPAWN if fresh else _FORK_SERVER).Process(
            target=run_commands, args=(theirs, preload), daemon=True
        )
        self.modules: set[str] = set()
        try:
            with _child_settings(), _no_main_module():
                self.process.start()
        except (EOFError, ConnectionError) as error:
            what = f"the fork server that starts the steps has ended ({type(error).__name__})"
            raise PipelineError(what, fix="run again; if it ends again, look for a memory limit") from error
        finally:
            theirs.close()


class Process:
    """A started command.

    Args:
        command: the command to start.
        worker: the process that runs it.
        released: receives the worker after the command has succeeded.
    """

    def __init__(self, command: Command, worker: _Worker, released: list[_Worker]) -> None:
        command.log.parent.mkdir(parents=True, exist_ok=True)
        self._worker, self._released = worker, released
        self._code: int | None = None
        worker.modules.add(command.module)
        with suppress(ConnectionError):  # it has just been killed: poll() says so
            worker.connection.send(command)

    @property
    def waitables(self) -> tuple[Any, int]:
        """Objects for :func:`wait_for_any`, of which one becomes ready when the command ends."""
        return self._worker.connection, self._worker.process.sentinel

    def poll(self) -> int | None:
        """Return the exit code, 128 + n after signal n as in a shell; None while the command is running."""
        if self._code is None and multiprocessing.connection.wait(self.waitables, 0):
            try:
                self._code = self._worker.connection.recv()
                self._released.append(self._worker)
            except (EOFError, ConnectionError):
                self._worker.process.join()
                self._code = shell_exit_code(self._worker.process.exitcode or 0)
        return self._code

    def terminate(self) -> None:
        """Send SIGTERM; the worker runs nothing more, even if the command has just succeeded."""
        self._released = []
        self._worker.process.terminate()

    def kill_after(self, seconds: float) -> None:
        """Wait until the command ends, and send SIGKILL after so many seconds."""
        process = self._worker.process
        process.join(max(0.0, seconds))
        if process.is_alive():
            process.kill()
            process.join()


class Workers:
    """The processes of a run. One whose command has succeeded runs the next; one whose command failed has ended."""

    def __init__(self) -> None:
        self._idle: list[_Worker] = []
        self._fresh: _Worker | None = None

    def expect(self, module: str) -> None:
        """Start a new interpreter for the next command with ``fresh``, which will be of this module.

        It imports what the module imports while this process still does something else.
        """
        self._fresh = _Worker(fresh=True, preload=module)

    def start(self, command: Command, *, fresh: bool = False) -> Process:
        """Start a command.

        Args:
            command: the command to start.
            fresh: start it in a new interpreter, which runs nothing else.

        Raises:
            PipelineError: the fork server has ended.
        """
        if fresh:
            worker, self._fresh = self._fresh, None
            return Process(command, worker or _Worker(fresh=True), [])
        return Process(command, self._take_idle(command.module) or _Worker(fresh=False), self._idle)

    def _take_idle(self, module: str) -> _Worker | None:
        """Return an idle worker, if there is one: preferably one that may have kept what this module needs."""
        self._idle[:] = [worker for worker in self._idle if worker.process.is_alive()]
        self._idle.sort(key=lambda worker: module in worker.modules)
        return self._idle.pop() if self._idle else None

    def close(self) -> None:
        """Let the idle processes end, and the one of :meth:`expect` if no command came."""
        while self._idle:
            self._idle.pop().connection.close()
        if self._fresh:
            self._fresh.connection.close()
            self._fresh.process.kill()  # it has done nothing but import
            self._fresh = None


def stop_processes(running: Sequence[Process]) -> None:
    """End processes: send SIGTERM to all, and after five seconds SIGKILL to those that are still running."""
    for process in running:
        process.terminate()
    end = time.monotonic() + GRACE_SECONDS
    for process in running:
        process.kill_after(end - time.monotonic())


def start_fork_server(steps: Iterable[str]) -> None:
    """Start the fork server; do nothing if one is already running.

    Args:
        steps: names of the modules of the steps. The server imports what they import, in the background.
    """
    _FORK_SERVER.set_forkserver_preload(["workflows.local.warm"])
    with _child_settings(**{PRELOAD_VARIABLE: ",".join(sorted(set(steps)))}), socket_folder.short_temporary_folder():
        multiprocessing.forkserver.ensure_running()


@contextmanager
def _child_settings(**environment: str) -> Iterator[None]:
    """Set the module path and block signals for interpreters that are started in the block.

    They must import this project's code, and nothing from the current folder. multiprocessing starts interpreters with
    ``-c``, which puts that folder first on the path. A file ``queue.py`` there would be imported in place of the module
    of the standard library.
    """
    with _environment(PYTHONSAFEPATH="1", PYTHONPATH=module_path(), **environment), _signals_blocked():
        yield


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Hide the main module from multiprocessing, which would import it in each child, although no step needs it."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


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
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def wait_for_any(running: Sequence[Process], timeout: float) -> None:
    """Return when one of these commands has ended, or after ``timeout`` seconds."""
    multiprocessing.connection.wait([each for process in running for each in process.waitables], timeout)
