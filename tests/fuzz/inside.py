"""Runs a command in a child of the nursery: the command line with its steps in one process, a step, or a reader."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps.core import runtime
from steps.search import space_file
from workflows import covertype
from workflows.local import processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from workflows.local.worker import Command


class WorkersHere:
    """A fake of ``processes.Workers``, whose commands run in this process."""

    def expect(self, module: str) -> None:
        """Do nothing: the module runs in this process."""

    def start(self, command: Command, *, fresh: bool = False) -> ProcessHere:  # noqa: ARG002 - the signature of Workers
        """Run a command to its end."""
        return ProcessHere(command)

    def close(self) -> None:
        """Do nothing: there are no processes."""


class ProcessHere:
    """A fake of ``processes.Process``: the constructor runs the step in this process to its end."""

    def __init__(self, command: Command) -> None:
        command.log.parent.mkdir(parents=True, exist_ok=True)
        with _instead(command):
            self._code = _module(command.module)

    def poll(self) -> int:
        """Return the exit code."""
        return self._code

    def terminate(self) -> None:
        """Do nothing: the step has ended."""

    def kill_after(self, seconds: float) -> None:
        """Do nothing: the step has ended."""


@contextmanager
def _instead(command: Command) -> Iterator[None]:
    """Set arguments, environment and streams for a step, and restore them."""
    saved = dict(os.environ), sys.argv, sys.stdout, sys.stderr
    os.environ.update(command.environment)
    sys.argv = [command.module, *command.arguments]
    with command.log.open("a", buffering=1, encoding="utf-8", errors="replace") as log:
        sys.stdout = sys.stderr = log
        try:
            yield
        finally:
            environment, sys.argv, sys.stdout, sys.stderr = saved
            os.environ.clear()
            os.environ.update(environment)


def _module(name: str) -> int:
    """Run a module as ``python -m`` would and return its exit code, as a worker does."""
    try:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:  # noqa: BLE001 - as in a worker
        traceback.print_exc()
        return 1
    return 0


def _wait(*_: object) -> None:
    """Do nothing: every step has ended when its process was created."""


def _cli(words: Sequence[str]) -> int:
    unpatched: dict[str, Any] = {"Workers": WorkersHere, "wait_for_any": _wait, "start_fork_server": _wait}
    for name, value in unpatched.items():
        setattr(processes, name, value)
    runtime.prepare_process()
    return runtime.run_to_exit_code(lambda: covertype.app(args=list(words), standalone_mode=False) or 0)


def _step(words: Sequence[str]) -> int:
    sys.argv = list(words)
    return _module(words[0])


def _space(words: Sequence[str]) -> int:
    """Read a search space as tune does, and do nothing else."""
    return runtime.run_to_exit_code(lambda: 0 if space_file.read(Path(words[0])).dimensions else 1)


KINDS: dict[str, Callable[[Sequence[str]], int]] = {"cli": _cli, "step": _step, "space": _space}


def main(kind: str, words: Sequence[str], encoding: str) -> int:
    """Run one command and return its exit code; its output goes to the file descriptors 1 and 2."""
    sys.stdout = open(1, "w", encoding=encoding, errors="strict", closefd=False)  # noqa: SIM115 - lives as long as the process
    sys.stderr = open(2, "w", buffering=1, encoding=encoding, errors="backslashreplace", closefd=False)  # noqa: SIM115
    try:
        return KINDS[kind](words)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - as an interpreter does
        traceback.print_exc()
        return 1
    finally:
        runtime.flush_output()
