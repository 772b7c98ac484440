"""What the command lines of all data steps have in common."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from steps.core import runtime
from tests.steps.core.test_runtime import FIELDS
from tests.support import FEATURE_TABLES, PARTS, Chain, call

if TYPE_CHECKING:
    from types import ModuleType

STEPS = ("prepare", "split", "preprocess", "tune", "train", "evaluate")
INPUTS = {
    "split": ("dataset",),
    "preprocess": PARTS,
    "tune": ("train_features", "validation_features"),
    "train": ("train_features", "validation_features", "preprocessor"),
    "evaluate": ("model", "test_features"),
}
OUTPUTS = {
    "split": PARTS,
    "preprocess": ("preprocessor", *FEATURE_TABLES),
    "tune": ("best_parameters", "trial_table"),
    "train": ("model", "learning_curve"),
    "evaluate": ("scores", "metrics"),
}


def module_of(step: str) -> ModuleType:
    return importlib.import_module(f"steps.{step}")


def options_of(step: str, inputs: Chain, outputs: Chain) -> list[Any]:
    paths = {**inputs.options(*INPUTS[step]), **outputs.options(*OUTPUTS[step], "usage")}
    if step == "train":
        paths["parameters"] = inputs["best_parameters"]
    return [word for name, path in paths.items() for word in (f"--{name.replace('_', '-')}", path)]


@pytest.mark.parametrize("step", STEPS)
def test_help(step: str) -> None:
    result = call(module_of(step).main, "--help")
    assert result.code == 0
    assert "--usage" in result.log


def test_help_of_a_module() -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "steps.evaluate", "--help"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--help" in done.stdout


@pytest.mark.parametrize("step", STEPS)
def test_a_missing_option_is_named(step: str) -> None:
    result = call(module_of(step).main)
    assert result.code == 2
    assert len(result.log.splitlines()) == 1
    assert "Missing option" in result.errors[0]


@pytest.mark.parametrize("step", INPUTS)
def test_usage_is_written(step: str, chain: Chain, tmp_path: Path) -> None:
    made = Chain(tmp_path)
    options = ["--rounds", "2"] if step == "train" else []
    assert call(module_of(step).main, *options_of(step, chain, made), *options).code == 0
    usage = json.loads(made["usage"].read_text())
    assert set(usage) == FIELDS
    assert usage["step"] == step
    assert usage["bytes_out"] > 0 or step == "tune"
    assert usage["bytes_in"] > 0 or step == "tune"
    assert usage["rows_in"] > 0 or step == "tune"


@pytest.mark.parametrize("step", INPUTS)
def test_a_missing_input_ends_with_66_and_leaves_usage_alone(step: str, chain: Chain, tmp_path: Path) -> None:
    made, absent = Chain(tmp_path), Chain(chain.folder / "absent")
    trials = ["--trials", "1"] if step == "tune" else []
    result = call(module_of(step).main, *options_of(step, absent, made), *trials)
    assert result.code == 66, result.log
    assert len(result.errors) == 1
    assert "Traceback" not in result.log
    assert [path.name for path in tmp_path.iterdir()] == ["usage.json"]
    assert json.loads(made["usage"].read_text())["rows_in"] == 0


@pytest.mark.parametrize("step", [step for step in INPUTS if step != "evaluate"])
def test_a_table_of_something_else_ends_with_65(step: str, chain: Chain, tmp_path: Path) -> None:
    made, other = Chain(tmp_path / "out"), Chain(tmp_path / "in")
    other.folder.mkdir()
    for path in chain.folder.glob("*.*"):
        (other.folder / path.name).write_bytes(b"something else")
    trials = ["--trials", "1"] if step == "tune" else []
    result = call(module_of(step).main, *options_of(step, other, made), *trials)
    assert result.code == 65, result.log
    assert len(result.errors) == 1
    assert "Traceback" not in result.log
    assert [path.name for path in made.folder.iterdir()] == ["usage.json"]


def test_training_reports_its_rounds_to_the_local_executor_alone(
    own_chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(runtime.ARGO_PROGRESS, str(tmp_path / "argo"))
    monkeypatch.setenv(runtime.LOCAL_PROGRESS, str(tmp_path / "progress"))
    own_chain.train(rounds=4, evaluate_every=2)
    assert (tmp_path / "progress").read_text() == "4/4\n"
    assert not (tmp_path / "argo").exists()  # Argo would add rounds to pods
