"""One edit adds an option: it is then on the command lines, in the settings, the form, the schema and the template."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from steps.options import STEP_OPTIONS, form_options, options_of

ROOT = Path(__file__).parents[1]
BEFORE = "    device: DeviceOption = Device.CPU\n\n\n@dataclass(frozen=True, kw_only=True)\nclass Hyper"
FORM = '    made_up: Annotated[int, Option("A made-up option.", Scope.FORM, minimum=2, maximum=9)] = 7\n'
SET = '    made_up: Annotated[int, Option("A made-up option.", Scope.SET, minimum=2, maximum=9)] = 7\n'


def copy_with(folder: Path, line: str) -> Path:
    """Return a copy of the project in which ``train`` has one option more."""
    for package in ("steps", "workflows"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "steps/options/train.py"
    text = file.read_text()
    assert text.count(BEFORE) == 1
    file.write_text(text.replace(BEFORE, line + BEFORE))
    return folder


def python(root: Path, *words: str, code: int = 0) -> str:
    environment = {**os.environ, "COLUMNS": "200", "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, *words], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_one_edit_adds_a_workflow_parameter(tmp_path: Path) -> None:
    root = copy_with(tmp_path, FORM)
    assert "A made-up option." in python(root, "-m", "steps.train", "--help")
    assert "A made-up option. (default: 7)" in python(root, "workflows/covertype.py", "run", "--help")
    config = root / "job.yaml"
    config.write_text("made_up: 8\n")
    rendered = yaml.safe_load(python(root, "workflows/covertype.py", "render", "--config", str(config)))
    [field] = [each for each in rendered["spec"]["arguments"]["parameters"] if each["name"] == "made-up"]
    assert field == {"name": "made-up", "value": "8", "description": "A made-up option."}
    [train] = [each for each in rendered["spec"]["templates"] if each["name"] == "train"]
    assert "--made-up={{inputs.parameters.made-up}}" in train["container"]["args"]
    assert python(root, "workflows/covertype.py", "lint", "--made-up", "9").startswith("ok")
    code = "import json; from workflows.settings import Settings; print(json.dumps(Settings.model_json_schema()))"
    schema = json.loads(python(root, "-c", code))["properties"]["made_up"]
    assert schema == {
        "default": 7,
        "description": "A made-up option.",
        "maximum": 9,
        "minimum": 2,
        "title": "Made Up",
        "type": "integer",
    }
    assert "in --made-up" in python(root, "workflows/covertype.py", "render", "--made-up", "1", code=2)
    wrong = python(root, "-m", "workflows.covertype", "render", "--set", "train.made-up=3", code=2)
    assert "has no option 'made_up' to set" in wrong


def test_one_edit_adds_an_option_to_set(tmp_path: Path) -> None:
    root = copy_with(tmp_path, SET)
    assert "A made-up option." in python(root, "-m", "steps.train", "--help")
    rendered = yaml.safe_load(python(root, "workflows/covertype.py", "render", "--set", "train.aspen.made_up=9"))
    [train] = [each for each in rendered["spec"]["templates"] if each["name"] == "train-aspen"]
    assert {"name": "made-up", "value": "9"} in train["inputs"]["parameters"]
    wrong = python(root, "workflows/covertype.py", "render", "--set", "train.made_up=10", code=2)
    assert "made_up cannot be '10', in --set train.made_up: a number from 2 to 9 is needed" in wrong
    assert "A made-up option." not in python(root, "workflows/covertype.py", "run", "--help")


@pytest.mark.parametrize("step", STEP_OPTIONS)
def test_an_option_of_several_steps_is_the_same_in_all(step: str) -> None:
    by_name = {option.name: option for option in form_options()}
    for option in options_of(step):
        if option.name in by_name:
            assert option == by_name[option.name]


def test_every_option_has_a_help_text_that_is_a_sentence() -> None:
    for step in STEP_OPTIONS:
        for option in options_of(step):
            assert option.option.help[0].isupper(), option.name
            assert option.option.help.endswith("."), option.name
