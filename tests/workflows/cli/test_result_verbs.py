from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.workflows.command_line import invoke
from tests.workflows.finished_runs import finished_run
from workflows.runs import results

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """A folder with one finished run."""
    (tmp_path / "covertype-1").mkdir()
    (tmp_path / "covertype-1" / results.WORKFLOW).touch()
    results.write_result(tmp_path / "covertype-1", finished_run({"prepare": 0}), 61.5)
    return tmp_path


def test_show(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke("show", "covertype-1", "--output", output) == 0
    printed = capsys.readouterr().out
    assert "Succeeded in 61.5 s: 0 steps executed, 0 from the cache" in printed
    assert "`compare OTHER covertype-1`" in printed
    assert invoke("show", "covertype-1", "--output", output, "--json") == 0
    assert json.loads(capsys.readouterr().out) == results.read_result(output, "covertype-1")


def test_runs(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke("runs", "--output", output) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:3] == ["covertype-1", "Succeeded", "61.5"]
    assert invoke("runs", "--output", output, "--json") == 0
    assert [entry["run"] for entry in json.loads(capsys.readouterr().out)] == ["covertype-1"]


def test_two_runs_can_be_compared(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    invoke("runs", "--output", output)
    assert "compare" not in capsys.readouterr().out
    (output / "covertype-2").mkdir()
    (output / "covertype-2" / results.WORKFLOW).touch()
    invoke("runs", "--output", output)
    assert "compare two of them: `compare A B`" in capsys.readouterr().out


def test_no_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke("runs", "--output", tmp_path) == 0
    assert capsys.readouterr().out == "no runs yet: start one with `run`\n"
    assert invoke("show", "mine", "--output", tmp_path) == 66
    assert capsys.readouterr().err.endswith(f"in {tmp_path}: `runs` lists the existing ones\n")
