"""The verb ``predict`` with the step as a real process."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from steps.core.errors import AlreadyExistsError, NoInputError
from steps.registry import aliases, publishing
from steps.registry.destinations import Folder
from tests.support import real_rows, write_table
from workflows.cli import predict_verb
from workflows.covertype import app
from workflows.runs import results

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def runs(tmp_path: Path, chain_model: Path) -> Path:
    """A folder with two runs, of which the newer one has failed."""
    folder = tmp_path / "runs"
    for name, status in (("run-1", "Succeeded"), ("run-2", "Failed")):
        (folder / name).mkdir(parents=True)
        (folder / name / results.WORKFLOW).write_text("")
        (folder / name / results.RESULT).write_text(json.dumps({"run": name, "status": status, "cover_types": {}}))
    shutil.copytree(chain_model, folder / "run-1" / "models" / "lodgepole-pine")
    return folder


@pytest.fixture
def chain_model(chain: dict[str, Path]) -> Path:
    """A model bundle."""
    return chain["model"]


def run(*words: str) -> int:
    code: int = app(args=["predict", *words], standalone_mode=False)
    return code


def test_the_newest_run_that_succeeded_scores(tmp_path: Path, runs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = write_table(tmp_path / "a.csv", real_rows(70))
    output = tmp_path / "scores.parquet"
    words = [f"--input={source}", f"--output={output}", f"--runs={runs}"]
    assert run(*words, f"--metrics={tmp_path / 'metrics.json'}") == 0
    assert pq.read_table(output).num_rows == 70
    assert json.loads((tmp_path / "metrics.json").read_text())["scored"] == 70
    log = capfd.readouterr().err
    assert "70 rows scored, 0 rejected" in log
    assert f"models: {runs / 'run-1' / 'models'}\n" in log
    assert run(*words, "--model=run-1") == AlreadyExistsError.exit_code
    assert run(*words, "--model=run-1", "--overwrite") == 0


def test_the_champion_of_a_registry_scores(tmp_path: Path, chain_model: Path) -> None:
    source = write_table(tmp_path / "a.csv", real_rows(70))
    registry = Folder(tmp_path / "registry")
    publishing.publish({"models/lodgepole-pine": chain_model}, registry.below("versions/v1"))
    aliases.move_alias(registry, "champion", "v1")
    assert run(f"--input={source}", f"--output={tmp_path / 'b.csv'}", f"--registry={registry.location}") == 0
    words = [f"--input={source}", f"--output={tmp_path / 'c.csv'}", f"--registry={registry.location}", "--model=v2"]
    assert run(*words) == NoInputError.exit_code


@pytest.mark.parametrize(
    ("name", "message"),
    [("run-3", "run 'run-3': there is no such run"), ("run-2", "run 'run-2': it has no models")],
)
def test_a_run_without_models_is_refused(runs: Path, name: str, message: str) -> None:
    with pytest.raises(NoInputError, match=message):
        run("--input=a.csv", "--output=b.csv", f"--runs={runs}", f"--model={name}")


def test_without_any_run_the_error_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="there is no run that succeeded"):
        run("--input=a.csv", "--output=b.csv", f"--runs={tmp_path}")


def test_the_step_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert predict_verb._run_step(["--help"]) == 0
