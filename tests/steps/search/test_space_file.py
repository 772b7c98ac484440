from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from steps import tune
from steps.core.errors import BadConfigurationError, NoInputError
from steps.models import presets
from steps.options.shared import Preset
from steps.options.train import Hyperparameters
from steps.search import space_file
from tests.support import Chain, call

BAD = Path(__file__).parents[2] / "bad" / "spaces"
MESSAGES: dict[str, str] = tomllib.loads((BAD / "messages.toml").read_text())
BUNDLED = space_file.read()


@pytest.mark.parametrize("name", MESSAGES)
def test_a_bad_space_is_one_line(name: str) -> None:
    path = BAD / f"{name}.toml"
    with pytest.raises(BadConfigurationError) as raised:
        space_file.read(path)
    pattern = ".+".join(re.escape(part) for part in MESSAGES[name].replace("{file}", str(path)).split("..."))
    assert re.fullmatch(pattern, str(raised.value)), f"{raised.value}\n{MESSAGES[name]}"


def test_every_bad_space_has_a_message() -> None:
    assert {path.stem for path in BAD.iterdir()} - {"messages"} == set(MESSAGES)


def test_a_bad_space_on_the_command_line(chain: Chain, tmp_path: Path) -> None:
    outputs = ["--best-parameters", tmp_path / "best.json", "--trial-table", tmp_path / "trials.json"]
    inputs = [f"--{part}-features={chain[f'{part}_features']}" for part in ("train", "validation")]
    result = call(tune.main, *inputs, *outputs, "--trials", 1, "--space", BAD / "empty_range.toml")
    assert (result.code, len(result.errors)) == (78, 1)
    assert result.errors[0].startswith("error: search space: max_depth: the range from 9 to 4 is empty")
    assert not list(tmp_path.iterdir())


def test_a_space_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match=r"no such file, in .*none\.toml: check --space"):
        space_file.read(tmp_path / "none.toml")


def test_the_bundled_space_has_what_a_search_needs_and_the_presets_in_it() -> None:
    names = [dimension.name for dimension in BUNDLED.dimensions]
    assert names[:3] == ["rounds", "learning_rate", "scale_pos_weight"]
    assert {"max_depth", "min_child_weight", "subsample", "gamma", "reg_lambda", "reg_alpha", "max_bin"} < set(names)
    for preset in Preset:
        values, inside = BUNDLED.locate(Hyperparameters(**presets.load(preset).parameters))
        assert inside
        assert set(values) == set(names) - {"max_leaves" if preset is Preset.GPU else "max_depth"}


def test_the_digest_is_of_the_contents(tmp_path: Path) -> None:
    text = space_file.BUNDLED.read_text()
    commented, other = tmp_path / "commented.toml", tmp_path / "other.toml"
    commented.write_text(f"# mine\n{text}\n")
    other.write_text(text.replace("high = 600", "high = 601"))
    assert space_file.read(commented).sha256 == BUNDLED.sha256 != space_file.read(other).sha256
