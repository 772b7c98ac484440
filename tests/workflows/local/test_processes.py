"""Processes of steps, started in an interpreter of their own: a fork server lives as long as its parent."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from steps.core.errors import TERMINATED
from workflows.local import processes
from workflows.local.processes import Command, Process

if TYPE_CHECKING:
    from pathlib import Path

MODULE = "tests.workflows.fake_step"


def command(folder: Path, *arguments: str, module: str = MODULE, **environment: str) -> Command:
    return Command(module, arguments, environment, folder / "logs" / "log.txt")


def wait_for_exit(process: Process) -> int | None:
    end = time.monotonic() + 60
    while process.exit_code is None and time.monotonic() < end:
        processes.wait_for_any([process.sentinel], 1)
    return process.exit_code


@pytest.mark.parametrize("fresh", [True, False])
def test_a_module_runs_with_its_arguments_and_its_output_in_the_log(tmp_path: Path, *, fresh: bool) -> None:
    process = Process(command(tmp_path, f"--write={tmp_path / 'out'}", "--text=ä", "--exit=65"), fresh=fresh)
    assert wait_for_exit(process) == 65
    assert (tmp_path / "out").read_text("utf-8") == "ä"
    assert (tmp_path / "logs/log.txt").read_text("utf-8") == "error: asked to end with 65\n"


def test_a_log_is_appended_to(tmp_path: Path) -> None:
    for _ in range(2):
        wait_for_exit(Process(command(tmp_path, "--exit=1"), fresh=True))
    assert len((tmp_path / "logs/log.txt").read_text().splitlines()) == 2


def test_environment_is_added_for_the_process_alone(tmp_path: Path) -> None:
    progress = tmp_path / "progress"
    assert wait_for_exit(Process(command(tmp_path, ARGO_PROGRESS_FILE=str(progress)), fresh=True)) == 0
    assert progress.read_text() == "1/2\n"
    assert "ARGO_PROGRESS_FILE" not in os.environ
    assert "PYTHONSAFEPATH" not in os.environ or os.environ["PYTHONSAFEPATH"] != "1"


def test_a_module_that_cannot_be_imported_has_its_own_code_and_one_error_line(tmp_path: Path) -> None:
    assert wait_for_exit(Process(command(tmp_path, module="no.such.module"), fresh=True)) == processes.CANNOT_LOAD
    errors = [line for line in (tmp_path / "logs/log.txt").read_text().splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert errors[0].startswith("error: cannot load no.such.module: ")


def test_stopping_gives_a_process_time_to_clean_up(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    process = Process(command(tmp_path, f"--trace={trace}", "--sleep=60"), fresh=True)
    end = time.monotonic() + 60
    while not trace.exists() and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.2)
    processes.stop_processes([process])
    assert process.exit_code == TERMINATED
    assert trace.read_text().splitlines()[-1].startswith("terminated")


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stubborn_step.py").write_text(
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "pathlib.Path(sys.argv[1]).touch()\n"
        "time.sleep(60)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(processes, "_GRACE_SECONDS", 0.5)
    ready = tmp_path / "ready"
    process = Process(command(tmp_path, str(ready), module="stubborn_step"), fresh=True)
    end = time.monotonic() + 60
    while not ready.exists() and time.monotonic() < end:
        time.sleep(0.05)
    processes.stop_processes([process])
    assert process.exit_code == 128 + 9
