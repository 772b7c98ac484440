"""What runs in the processes of steps: a loop that runs one command after the other, each as ``python -m`` does.

A process that runs several steps saves the start of each, and steps can keep what the next one of their kind needs too,
such as a quantised matrix. A command that fails ends its process, so no later step meets what it left behind.
"""

from __future__ import annotations

import importlib
import multiprocessing
import multiprocessing.connection
import os
import runpy
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from steps.core.errors import from_os_error
from steps.core.quantities import reset_peak_rss
from steps.core.runtime import cannot_load, flush_output, prepare_process, release_memory
from steps.core.runtime import log as log_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from multiprocessing.connection import Connection

GRACE_SECONDS = 5.0
SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
# Exit code of a process whose module cannot be imported. Shells use it for a command that cannot be executed.
CANNOT_LOAD = 126
# Environment variable with the names of the steps whose imports the fork server imports, separated by commas.
PRELOAD_VARIABLE = "LOCAL_EXECUTOR_PRELOAD"


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


def run_commands(connection: Connection, preload: str = "") -> None:
    """Run the commands that arrive on a connection, and answer each that succeeds; exit when the connection is closed.

    A command that fails is not answered: this process exits with its code.

    Args:
        connection: the end of the pipe.
        preload: module of the first command, if this process is to import what it imports before it arrives.
    """
    _exit_with_parent()
    if preload:
        import_for([preload])
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # until the command arrives, SIGTERM just ends the process
    # A terminal sends these signals to the whole process group. The executor decides which steps end.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    code = 0
    try:
        while not code:
            code = _run(connection.recv())
            if not code:
                release_memory()
                connection.send(code)
    except (EOFError, ConnectionError):  # the executor needs this process no longer
        pass
    except SystemExit as end:  # terminated between two commands
        code = int(end.code or 0)
    os._exit(code)  # does not wait for the threads of native libraries


def import_for(steps: Iterable[str]) -> None:
    """Import what steps import, and the parser of command lines, so that a command begins at once.

    What a step imports in a function, such as the clients of a remote source, is not imported. A module that cannot be
    imported is ignored, so that this process survives. The step that needs it reports the error.

    Args:
        steps: names of the modules of the steps.
    """
    for step in steps:
        with suppress(Exception):
            importlib.import_module(step)
        # It runs as the main module of its process, so a copy of it is of no use.
        if sys.modules.pop(step, None):
            package, _, name = step.rpartition(".")
            vars(sys.modules.get(package, sys)).pop(name, None)
    _parse_a_command_line()


def _parse_a_command_line() -> None:
    """Parse a command line: typer imports pydantic at the first use, which takes a tenth of a second."""
    app = typer.Typer(add_completion=False)

    @app.command()
    def command(path: Path, number: int = 0) -> None:
        """Do nothing."""

    app(args=["path", "--number=1"], standalone_mode=False)


def _run(command: Command) -> int:
    """Run a module as ``python -m`` does, and return its exit code."""
    _redirect_output(command.log)
    prepare_process()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    reset_peak_rss()
    environment = dict(os.environ)
    os.environ.update(command.environment)
    sys.argv = [command.module, *command.arguments]
    code = 0
    try:
        runpy.run_module(command.module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as error:  # noqa: BLE001 - the errors of a step end as SystemExit, so this is an import error
        traceback.print_exc()
        log_line(f"error: {cannot_load(command.module, error)}")
        code = CANNOT_LOAD
    flush_output()
    os.environ.clear()
    os.environ.update(environment)
    return code


def _redirect_output(log: Path) -> None:
    """Append standard output and standard error of this process to a file; exit where it cannot be opened."""
    try:
        file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    except OSError as error:  # without a log, the exit code is the only message to the executor
        os._exit(from_os_error(error).exit_code)
    for stream in (1, 2):
        os.dup2(file, stream)
    if file > 2:  # noqa: PLR2004 - a standard stream that was closed
        os.close(file)
    # A log is UTF-8 in every locale, because the executor reads its error lines.
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - lives until the next command
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115


def _exit_with_parent() -> None:
    """End this process when the process of the executor ends, even by SIGKILL."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)  # the main thread cleans up
        time.sleep(GRACE_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
