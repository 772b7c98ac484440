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
FORM = '    in_form: Annotated[int, Option("An option in the form.", Scope.FORM, minimum=2, maximum=9)] = 7\n'
SET = '    to_set: Annotated[int, Option("An option for --set.", Scope.SET, minimum=2, maximum=9)] = 7\n'


def copy_with(folder: Path, lines: str) -> Path:
    """Return a copy of the project in which ``train`` has more options."""
    for package in ("steps", "workflows"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "steps/options/train.py"
    text = file.read_text()
    assert text.count(BEFORE) == 1
    file.write_text(text.replace(BEFORE, lines + BEFORE))
    return folder


def python(root: Path, *words: str, code: int = 0) -> str:
    environment = {**os.environ, "COLUMNS": "200", "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, *words], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which ``train`` has two options more, one in the form and one for ``--set``."""
    return copy_with(tmp_path_factory.mktemp("extended"), FORM + SET)


def test_one_edit_adds_flags(extended: Path) -> None:
    step = python(extended, "-m", "steps.train", "--help")
    assert "An option in the form." in step
    assert "An option for --set." in step
    run = python(extended, "workflows/covertype.py", "run", "--help")
    assert "An option in the form. (default: 7)" in run
    assert "An option for --set." not in run


def test_one_edit_adds_a_workflow_parameter(extended: Path) -> None:
    config = extended / "job.yaml"
    config.write_text("in_form: 8\n")
    rendered = yaml.safe_load(python(extended, "workflows/covertype.py", "render", "--config", str(config)))
    [field] = [each for each in rendered["spec"]["arguments"]["parameters"] if each["name"] == "in-form"]
    assert field == {"name": "in-form", "value": "8", "description": "An option in the form."}
    [train] = [each for each in rendered["spec"]["templates"] if each["name"] == "train"]
    assert "--in-form={{inputs.parameters.in-form}}" in train["container"]["args"]
    assert python(extended, "workflows/covertype.py", "lint", "--in-form", "9").startswith("ok")
    code = "import json; from workflows.settings import Settings; print(json.dumps(Settings.model_json_schema()))"
    schema = json.loads(python(extended, "-c", code))["properties"]["in_form"]
    assert schema == {
        "default": 7,
        "description": "An option in the form.",
        "maximum": 9,
        "minimum": 2,
        "title": "In Form",
        "type": "integer",
    }
    assert "in --in-form" in python(extended, "workflows/covertype.py", "render", "--in-form", "1", code=2)
    wrong = python(extended, "-m", "workflows.covertype", "render", "--set", "train.in-form=3", code=2)
    assert "has no option 'in_form' to set" in wrong


def test_one_edit_adds_an_option_to_set(extended: Path) -> None:
    rendered = yaml.safe_load(python(extended, "workflows/covertype.py", "render", "--set", "train.aspen.to_set=9"))
    [train] = [each for each in rendered["spec"]["templates"] if each["name"] == "train-aspen"]
    assert {"name": "to-set", "value": "9"} in train["inputs"]["parameters"]
    wrong = python(extended, "workflows/covertype.py", "render", "--set", "train.to_set=10", code=2)
    assert "to_set cannot be '10', in --set train.to_set: a number from 2 to 9 is needed" in wrong


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
