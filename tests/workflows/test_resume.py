"""A run after one that was killed, edited or upgraded, or beside another, resumes and ends as an undisturbed run."""

from __future__ import annotations

import importlib.metadata
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.command_line import invoke
from tests.workflows.documents import dag, leaf, task, workflow
from tests.workflows.local.test_executor import execute
from workflows.local import fingerprint
from workflows.local.cache import read_action
from workflows.local.nodes import Phase

ROOT = Path(__file__).parents[2]
WORDS = ("run", "--rows", "1000", "--preset", "fast", "--cover-types", "1,4", "--json")
STEPS = 1 + 2 * 4 + 1


def start(output: Path) -> subprocess.Popen[str]:
    """Start a run in a process of its own."""
    command = [sys.executable, "workflows/covertype.py", *WORDS, "--output", str(output)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def finish(run: subprocess.Popen[str]) -> dict[str, Any]:
    """Return the result of a run that must succeed."""
    out, err = run.communicate(timeout=120)
    assert run.returncode == 0, err
    result: dict[str, Any] = json.loads(out)
    return result


def run_here(output: Path, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], str]:
    """Return the result of a run in this process, which must succeed, and its log."""
    capsys.readouterr()
    assert invoke(*WORDS, "--output", output) == 0
    printed = capsys.readouterr()
    return json.loads(printed.out), printed.err


def outcome(result: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a result that must be equal in every run: metrics, and the bytes of the models."""
    models = Path(result["models"])
    files = {str(path.relative_to(models)): path.read_bytes() for path in sorted(models.rglob("*")) if path.is_file()}
    return {"files": files, **{key: result[key] for key in ("status", "accuracy", "macro_f1", "cover_types")}}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an undisturbed run, with its cache."""
    return tmp_path_factory.mktemp("undisturbed")


@pytest.fixture(scope="module")
def undisturbed(output: Path) -> dict[str, Any]:
    """The result of an undisturbed run."""
    return finish(start(output))


def saved(output: Path) -> int:
    """Return the number of finished steps of a run."""
    return sum(read_action(path) is not None for path in (output / ".cache" / "actions").glob("[!.]*.json"))


def steps_of(run: subprocess.Popen[str]) -> list[int]:
    """Return the process ids of the steps of a run, which are the children of its fork server."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.parent.name)] = int(fields[1])
    return [pid for pid, parent in parents.items() if parents.get(parent) == run.pid]


@pytest.mark.kills
def test_killed_at_any_moment_it_resumes_and_ends_the_same(
    undisturbed: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = random.Random(1)
    for _ in range(2):
        run = start(tmp_path)
        time.sleep(moments.uniform(0.3, 0.9) * undisturbed["seconds"])
        steps = steps_of(run)
        victim = moments.choice(steps) if steps and moments.random() < 0.5 else run.pid
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:  # it has ended meanwhile
            continue
        run.communicate(timeout=120)  # the next run starts while the steps of a killed run are still ending
    finished = saved(tmp_path)
    result, _ = run_here(tmp_path, capsys)
    assert (result["executed_steps"], result["cached_steps"]) == (STEPS - finished, finished)
    assert outcome(result) == outcome(undisturbed)


def test_two_runs_at_once_do_not_disturb_each_other(
    undisturbed: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = [start(tmp_path), start(tmp_path)]
    for run in both:
        assert outcome(finish(run)) == outcome(undisturbed)
    again, _ = run_here(tmp_path, capsys)
    # The report contains the time of each step, so steps from both runs may need a report of their own.
    assert again["cached_steps"] in {STEPS - 1, STEPS}
    assert outcome(again) == outcome(undisturbed)
    assert not list(tmp_path.rglob(".partial-*"))


@pytest.mark.usefixtures("undisturbed")
def test_another_version_of_xgboost_trains_everything_again(
    output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def executed() -> set[str]:
        result, log = run_here(output, capsys)
        assert result["executed_steps"] == log.count(" s)")
        return {line.split()[1].rpartition("-")[2] for line in log.splitlines() if " s)" in line}

    real = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "99" if name.startswith("xgboost") else real(name))
    for function in (fingerprint.fingerprint, fingerprint._distributions):
        function.cache_clear()
    try:
        again = executed()
        assert again >= {"train", "evaluate"}
        assert not again & {"prepare", "split"}
        assert executed() == set()
    finally:
        for function in (fingerprint.fingerprint, fingerprint._distributions):
            function.cache_clear()


@pytest.mark.parametrize("moment", ["start", "half", "end"])
def test_nothing_of_a_killed_step_is_used(tmp_path: Path, moment: str) -> None:
    trace = tmp_path / "trace"
    made = workflow([dag("main", task("a")), leaf("a", trace, "--text=whole", f"--kill-at={moment}")])
    root = execute(tmp_path, made)
    assert (root.phase, root.children["a"].exit_code) == (Phase.FAILED, 128 + signal.SIGKILL)
    assert "signal 9" in root.children["a"].message
    again = execute(tmp_path, made)
    assert again.phase is Phase.SUCCEEDED
    assert not again.children["a"].cached
    assert again.children["a"].outputs.artifacts["out"].read_text() == "whole"
