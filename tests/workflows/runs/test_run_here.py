"""One run with fake steps; ``test_run.py`` has whole runs."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from tests.workflows.documents import artifact, dag, leaf, task, workflow
from workflows import rendering
from workflows.local import processes
from workflows.runs import publishing, run_here
from workflows.settings import Settings

ROOT = Path(__file__).parents[3]


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A workflow of fake steps, which is rendered in place of the pipeline."""
    arguments = [artifact("data", "tasks.prepare.outputs.artifacts.out")]
    main = dag("main", task("prepare"), task("report", depends="prepare", artifacts=arguments))
    made = workflow([main, leaf("prepare", None, "--text=a"), leaf("report", None, "--text=b", reads=("data",))])
    monkeypatch.setattr(rendering, "render", lambda *_, **__: made)
    return made


def run(folder: Path, **settings: Any) -> tuple[dict[str, Any], str]:
    """Run in a folder; return the result and what was printed."""
    console = Console(file=io.StringIO(), width=200)
    result = run_here.run_here(Settings(output=str(folder), **settings), console)
    assert isinstance(console.file, io.StringIO)
    return result, console.file.getvalue()


def test_a_run_leaves_its_workflow_and_its_result(tmp_path: Path, rendered: dict[str, Any]) -> None:
    result, printed = run(tmp_path)
    folder = Path(result["directory"])
    assert (folder.parent, folder.name) == (tmp_path, result["run"])
    assert yaml.safe_load((folder / "workflow.yaml").read_text()) == rendered
    assert json.loads((folder / "result.json").read_text()) == result
    assert (result["status"], result["executed_steps"], result["cached_steps"]) == ("Succeeded", 2, 0)
    assert printed.startswith(f"run {result['run']}: ")


@pytest.mark.usefixtures("rendered")
def test_a_second_run_uses_the_cache_unless_it_is_switched_off(tmp_path: Path) -> None:
    assert run(tmp_path)[0]["executed_steps"] == 2
    assert run(tmp_path)[0]["executed_steps"] == 0
    assert run(tmp_path, cache=False)[0]["executed_steps"] == 2


@pytest.mark.usefixtures("rendered")
def test_the_process_of_the_first_step_is_started_early_if_the_cache_cannot_have_its_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected: list[str] = []
    monkeypatch.setattr(processes.Workers, "expect", lambda _, module: expected.append(module))
    run(tmp_path)
    run(tmp_path)
    assert expected == ["steps.prepare"]
    run(tmp_path, cache=False)
    assert expected == ["steps.prepare", "steps.prepare"]


@pytest.mark.usefixtures("rendered")
def test_a_run_is_published_where_a_bucket_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(publishing, "publish_run", lambda folder, _, bucket: f"{bucket}/{folder.name}")
    console = Console(file=io.StringIO(), width=200)
    result = run_here.run_here(Settings(output="gs://bucket/prefix"), console)
    assert result["published"] == f"gs://bucket/prefix/{result['run']}"


def test_the_fork_server_starts_before_hera_is_imported() -> None:
    program = "import sys, workflows.runs.run_here; assert 'hera' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
