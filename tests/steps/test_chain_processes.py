"""Processes side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steps import chain_processes
from steps.core import runtime
from steps.core.errors import USAGE

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

NOWHERE = ("--", "split", "--dataset=/nowhere", "--train=a", "--validation=b", "--test=c")


def interpreter(folder: Path, monkeypatch: pytest.MonkeyPatch, lines: str) -> None:
    """Start a shell script in the place of Python."""
    script = folder / "python"
    script.write_text(f"#!/bin/sh\n{lines}\n")
    script.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(script))


def test_each_end_has_its_code_its_error_and_its_last_step(capsys: pytest.CaptureFixture[str]) -> None:
    ends = {end.name: end for end in chain_processes.run_all({"fir": NOWHERE, "oak": ("--", "fly")}, parallel=2)}
    assert (ends["fir"].code, ends["fir"].last_step) == (66, "split")
    assert "/nowhere" in ends["fir"].message
    assert (ends["oak"].code, ends["oak"].last_step) == (USAGE, "")
    assert f"fir: error: {ends['fir'].message}" in capsys.readouterr().err.splitlines()


def test_processes_share_no_file_of_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(runtime.ARGO_PROGRESS, "argo")
    monkeypatch.setenv(runtime.LOCAL_PROGRESS, "local")
    interpreter(tmp_path, monkeypatch, "env >&2")
    list(chain_processes.run_all({"fir": NOWHERE}, parallel=1))
    variables = {line.partition("=")[0].removeprefix("fir: ") for line in capsys.readouterr().err.splitlines()}
    assert "PYTHONPATH" in variables
    assert not variables & {runtime.ARGO_PROGRESS, runtime.LOCAL_PROGRESS}


def test_no_process_outlives_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = chain_processes._start

    def started(words: tuple[str, ...]) -> object:
        made.append(real(words))
        return made[-1]

    monkeypatch.setattr(chain_processes, "_start", started)
    interpreter(tmp_path, monkeypatch, 'case "$*" in *wait*) exec sleep 600;; esac')
    running = chain_processes.run_all({"fir": ("wait",), "oak": ("end",), "elm": ("wait",)}, parallel=2)
    assert next(running).name == "oak"
    running.close()
    assert [process.poll() is not None for process in made] == [True, True]


def test_a_process_that_a_signal_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interpreter(tmp_path, monkeypatch, "kill -9 $$")
    [end] = chain_processes.run_all({"fir": NOWHERE}, parallel=1)
    assert (end.code, end.message) == (128 + 9, "ended by signal 9")
