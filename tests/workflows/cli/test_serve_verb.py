"""The verb ``serve``, which becomes the step."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from steps import serve as step
from steps.core.errors import NoInputError
from steps.core.runtime import as_app
from workflows.covertype import app
from workflows.runs import results

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command lines of the steps."""
    found: list[list[str]] = []
    monkeypatch.setattr(os, "execve", lambda _, command, __: found.append(command[1:]))
    return found


def run(*words: str) -> None:
    app(args=["serve", *words], standalone_mode=False)


def test_a_version_of_a_registry_is_served(started: list[list[str]]) -> None:
    run("--registry=reg", "--model=candidate", "--port=9000", "--max-body=1 MiB", "--no-access-log")
    (command,) = started
    assert command[:2] == ["-m", "steps.serve"]
    words = {"--registry=reg", "--version=candidate", "--port=9000", "--max-body=1 MiB", "--no-access-log"}
    assert words <= set(command)


def test_the_registry_of_the_environment_is_served(
    tmp_path: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COVERTYPE_REGISTRY", "reg")
    run()
    assert "--registry=reg" in started[0]
    (tmp_path / "runs/mine/models").mkdir(parents=True)
    run("--model=mine")
    assert "--models=runs/mine/models" in started[1]


def test_the_models_of_a_run_are_served(tmp_path: Path, started: list[list[str]]) -> None:
    (tmp_path / "run-1" / "models").mkdir(parents=True)
    (tmp_path / "run-1" / results.WORKFLOW).write_text("")
    (tmp_path / "run-1" / results.RESULT).write_text(
        json.dumps({"run": "run-1", "status": "Succeeded", "cover_types": {}})
    )
    run(f"--runs={tmp_path}")
    assert f"--models={tmp_path / 'run-1' / 'models'}" in started[0]
    with pytest.raises(NoInputError):
        run(f"--runs={tmp_path}", "--model=other")


def test_every_option_of_the_verb_is_one_of_the_step(started: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*, explain: bool) -> None:  # noqa: ARG001 - as the function has it
        raise ZeroDivisionError

    monkeypatch.setattr(step, "require_libraries", stop)
    run("--registry=reg")
    with pytest.raises(ZeroDivisionError):
        as_app(step.main)(args=started[0][2:], standalone_mode=False)
