"""Processes of steps, started in an interpreter of their own: a fork server lives as long as its parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from steps.core.errors import TERMINATED
from workflows.local import processes
from workflows.local.processes import Process, Workers
from workflows.local.worker import CANNOT_LOAD, Command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODULE = "tests.workflows.fake_step"


def command(folder: Path, *arguments: str, module: str = MODULE, **environment: str) -> Command:
    return Command(module, arguments, environment, folder / "logs" / "log.txt")


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)


def wait_for_exit(process: Process) -> int | None:
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        processes.wait_for_any([process], 1)
    return process.poll()


@pytest.mark.parametrize("fresh", [True, False])
def test_a_module_runs_with_its_arguments_and_its_output_in_the_log(tmp_path: Path, *, fresh: bool) -> None:
    process = Workers().start(command(tmp_path, f"--write={tmp_path / 'out'}", "--text=ä", "--exit=65"), fresh=fresh)
    assert wait_for_exit(process) == 65
    assert (tmp_path / "out").read_text("utf-8") == "ä"
    assert (tmp_path / "logs/log.txt").read_text("utf-8") == "error: asked to end with 65\n"


def test_a_log_is_appended_to(tmp_path: Path) -> None:
    for _ in range(2):
        wait_for_exit(Workers().start(command(tmp_path, "--exit=1"), fresh=True))
    assert len((tmp_path / "logs/log.txt").read_text().splitlines()) == 2


def test_environment_is_added_for_the_process_alone(tmp_path: Path) -> None:
    progress = tmp_path / "progress"
    assert wait_for_exit(Workers().start(command(tmp_path, ARGO_PROGRESS_FILE=str(progress)), fresh=True)) == 0
    assert progress.read_text() == "1/2\n"
    assert "ARGO_PROGRESS_FILE" not in os.environ
    assert "PYTHONSAFEPATH" not in os.environ or os.environ["PYTHONSAFEPATH"] != "1"


def test_a_module_that_cannot_be_imported_has_its_own_code_and_one_error_line(tmp_path: Path) -> None:
    assert wait_for_exit(Workers().start(command(tmp_path, module="no.such.module"), fresh=True)) == CANNOT_LOAD
    errors = [line for line in (tmp_path / "logs/log.txt").read_text().splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert errors[0].startswith("error: cannot load no.such.module: ")


def test_stopping_gives_a_process_time_to_clean_up(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    process = Workers().start(command(tmp_path, f"--trace={trace}", "--sleep=60"), fresh=True)
    end = time.monotonic() + 60
    while not trace.exists() and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.2)
    processes.stop_processes([process])
    assert process.poll() == TERMINATED
    assert trace.read_text().splitlines()[-1].startswith("terminated")


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stubborn_step.py").write_text(
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "pathlib.Path(sys.argv[1]).touch()\n"
        "time.sleep(60)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.5)
    ready = tmp_path / "ready"
    process = Workers().start(command(tmp_path, str(ready), module="stubborn_step"), fresh=True)
    end = time.monotonic() + 60
    while not ready.exists() and time.monotonic() < end:
        time.sleep(0.05)
    processes.stop_processes([process])
    assert process.poll() == 128 + 9


def test_commands_that_succeed_share_a_process_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "greedy_step.py").write_text(
        "import os, pathlib, sys\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "path.write_text(f\"{os.getpid()} {os.environ.get('MINE')} {len(sys.argv)}\")\n"
        "print(path.name)\n"
        "os.environ['MINE'] = 'left behind'\n"
    )
    workers, seen = Workers(), []
    for name, further in (("one", ()), ("two", ("more",)), ("three", ())):
        given = command(tmp_path, str(tmp_path / name), *further, module="greedy_step")
        assert wait_for_exit(workers.start(replace(given, log=tmp_path / f"{name}.txt"))) == 0
        seen.append((tmp_path / name).read_text().split())
        assert (tmp_path / f"{name}.txt").read_text() == f"{name}\n"
    assert len({process for process, *_ in seen}) == 1
    assert [rest for _, *rest in seen] == [["None", "2"], ["None", "3"], ["None", "2"]]
    workers.close()


def test_the_main_module_is_not_imported_in_the_process_of_a_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = tmp_path / "main_module.py"
    main.write_text(f"open({str(tmp_path / 'imported')!r}, 'w')\n")
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(main), raising=False)
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    for fresh in (True, False):
        assert wait_for_exit(Workers().start(command(tmp_path), fresh=fresh)) == 0
    assert not (tmp_path / "imported").exists()
    assert sys.modules["__main__"].__file__ == str(main)


def test_an_expected_command_finds_a_process_that_has_imported_its_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "slow_import.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w').close()\n")
    (tmp_path / "expected_step.py").write_text(
        "import os, pathlib, slow_import, sys\n"
        "if sys.argv[1:]: pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))\n"
    )
    workers = Workers()
    workers.expect("expected_step")
    wait_until((tmp_path / "imported").exists)
    (started,) = [child.pid for child in multiprocessing.active_children() if "SpawnProcess" in child.name]
    process = workers.start(command(tmp_path, str(tmp_path / "out"), module="expected_step"), fresh=True)
    assert wait_for_exit(process) == 0
    assert (tmp_path / "out").read_text() == str(started)
    assert "error" not in (tmp_path / "logs/log.txt").read_text()


def test_an_expected_process_without_a_command_ends(tmp_path: Path) -> None:
    workers = Workers()
    workers.expect(MODULE)
    (process,) = [child for child in multiprocessing.active_children() if "SpawnProcess" in child.name]
    workers.close()
    process.join(30)
    assert process.exitcode is not None
    assert wait_for_exit(workers.start(command(tmp_path), fresh=True)) == 0


def process_of(workers: Workers, folder: Path, *arguments: str) -> str:
    """Return the process that runs a step, as it says in its trace."""
    path = folder / "process"
    path.unlink(missing_ok=True)
    wait_for_exit(workers.start(command(folder, f"--process={path}", *arguments)))
    return path.read_text()


@pytest.mark.parametrize("end", ["--exit=1", "--kill-at=end"])
def test_no_command_runs_in_the_process_of_one_that_failed(tmp_path: Path, end: str) -> None:
    workers = Workers()
    first = process_of(workers, tmp_path)
    assert process_of(workers, tmp_path, end, f"--trace={tmp_path / 'trace'}") == first
    assert process_of(workers, tmp_path) != first
    workers.close()


def test_a_process_that_was_killed_while_idle_runs_no_command(tmp_path: Path) -> None:
    workers = Workers()
    first = process_of(workers, tmp_path)
    os.kill(int(first), signal.SIGKILL)
    time.sleep(0.3)
    assert process_of(workers, tmp_path) != first
    workers.close()


def test_a_command_that_ends_while_it_is_stopped_gives_its_process_to_nobody(tmp_path: Path) -> None:
    workers = Workers()
    path = tmp_path / "stopped"
    process = workers.start(command(tmp_path, f"--process={path}"))
    processes.wait_for_any([process], 60)
    processes.stop_processes([process])
    assert process.poll() == 0
    assert process_of(workers, tmp_path) != path.read_text()
    workers.close()
