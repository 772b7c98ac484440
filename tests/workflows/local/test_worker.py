"""The loop of a step's process, through a pipe as the executor uses it."""

from __future__ import annotations

import multiprocessing
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from workflows.local.worker import CANNOT_LOAD, SIGNALS, Command, run_commands

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

MODULE = "tests.workflows.fake_step"


@pytest.fixture
def worker() -> Iterator[tuple[Connection, BaseProcess]]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=run_commands, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    yield ours, process
    ours.close()
    process.join(30)


def command(folder: Path, *arguments: str, module: str = MODULE, **environment: str) -> Command:
    return Command(module, arguments, environment, folder / "log.txt")


def test_commands_that_succeed_are_answered_until_one_fails(
    tmp_path: Path, worker: tuple[Connection, BaseProcess]
) -> None:
    connection, process = worker
    for name in ("a", "b"):
        connection.send(command(tmp_path, f"--write={tmp_path / name}", f"--text={name}"))
        assert connection.recv() == 0
        assert (tmp_path / name).read_text() == name
    connection.send(command(tmp_path, "--exit=65"))
    with pytest.raises(EOFError):
        connection.recv()
    process.join(30)
    assert process.exitcode == 65
    assert (tmp_path / "log.txt").read_text() == "error: asked to end with 65\n"


def test_sigterm_ends_it_while_it_waits_for_its_first_command() -> None:
    ours, theirs = multiprocessing.Pipe()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # as the executor starts it
    process = multiprocessing.get_context("spawn").Process(target=run_commands, args=(theirs, MODULE), daemon=True)
    process.start()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    process.terminate()
    process.join(30)
    assert process.exitcode == -signal.SIGTERM
    ours.close()


def test_it_ends_when_nobody_needs_it(worker: tuple[Connection, BaseProcess]) -> None:
    connection, process = worker
    connection.close()
    process.join(30)
    assert process.exitcode == 0


def test_a_module_that_cannot_be_imported_ends_it(tmp_path: Path, worker: tuple[Connection, BaseProcess]) -> None:
    connection, process = worker
    connection.send(command(tmp_path, module="no.such.module"))
    process.join(30)
    assert process.exitcode == CANNOT_LOAD
    assert "error: cannot load no.such.module" in (tmp_path / "log.txt").read_text()


def test_files_do_not_stay_open(tmp_path: Path, worker: tuple[Connection, BaseProcess]) -> None:
    connection, process = worker
    counts = []
    for _ in range(4):
        connection.send(command(tmp_path))
        assert connection.recv() == 0
        counts.append(len(list(Path(f"/proc/{process.pid}/fd").iterdir())))
    assert counts[1] == counts[-1]
