from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.workflows.command_line import invoke
from workflows.runs import run_here

if TYPE_CHECKING:
    from workflows.settings import Settings

FAILED = {
    "run": "covertype-1",
    "status": "Failed",
    "exit_code": 65,
    "seconds": 1.0,
    "accuracy": None,
    "macro_f1": None,
    "executed_steps": 2,
    "cached_steps": 0,
    "directory": "runs/covertype-1",
    "failed_steps": {"aspen-split": "too few rows", "report": "1 of 7 cover types are missing"},
    "cover_types": {},
}


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings of the runs, which all fail."""
    seen: list[Settings] = []

    def run(settings: Settings, _: object) -> dict[str, Any]:
        seen.append(settings)
        return FAILED

    monkeypatch.setattr(run_here, "run_here", run)
    return seen


def test_a_failed_run_ends_with_its_code_and_names_its_root_failures(
    ran: list[Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke("run", "--rows", "1000", "--parallel", "3", "--no-cache") == 65
    assert [(settings.rows, settings.cores, settings.cache) for settings in ran] == [(1000, 3, False)]
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [
        "error: step aspen-split failed: too few rows",
        "the run ended as Failed: inputs and logs are in runs/covertype-1",
    ]
    assert "Failed in 1.0 s: 2 steps executed, 0 from the cache" in printed.out


@pytest.mark.usefixtures("ran")
def test_json_is_alone_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke("run", "--json") == 65
    printed = capsys.readouterr()
    assert json.loads(printed.out) == FAILED
    assert "Failed in 1.0 s" in printed.err


def test_train_runs_one_cover_type(ran: list[Settings], capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke("train", "aspen") == 65
    assert ran[0].cover_types == ("aspen",)
    assert invoke("train", "aspen", "--cover-types", "1") == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith("in --cover-types: leave the flag out")
    assert len(ran) == 1
