from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps import tune
from steps.core.errors import BadConfigurationError, NoInputError
from steps.models import presets
from steps.options.shared import Preset
from steps.options.train import Hyperparameters
from steps.search import space_file
from steps.search.space import Dimension, Space
from tests.support import Chain, call

BAD = Path(__file__).parents[2] / "bad" / "spaces"
MESSAGES: dict[str, str] = tomllib.loads((BAD / "messages.toml").read_text())
BUNDLED = space_file.read()
START = Hyperparameters()
# Leaves are searched for one way to grow, depths for the other.
GROWTH = Space(
    (
        Dimension(name="grow_policy", choices=("lossguide", "depthwise")),
        Dimension(name="max_leaves", whole=True, low=8, high=64, when={"grow_policy": "lossguide"}, otherwise=0),
        Dimension(name="max_depth", whole=True, low=2, high=9, when={"grow_policy": "depthwise"}, otherwise=0),
    )
)


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
        assert set(values) == set(names) - {"max_depth"}


def test_the_digest_is_of_the_contents(tmp_path: Path) -> None:
    text = space_file.BUNDLED.read_text()
    commented, other = tmp_path / "commented.toml", tmp_path / "other.toml"
    commented.write_text(f"# mine\n{text}\n")
    other.write_text(text.replace("high = 600", "high = 601"))
    assert space_file.read(commented).sha256 == BUNDLED.sha256 != space_file.read(other).sha256


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"grow_policy": "lossguide", "max_leaves": 9}, {"max_leaves": 9, "max_depth": 0}),
        ({"grow_policy": "depthwise", "max_depth": 3}, {"max_leaves": 0, "max_depth": 3}),
        ({"grow_policy": "lossguide"}, {"max_leaves": 0, "max_depth": 0}),
    ],
)
def test_what_is_not_searched_is_otherwise(values: dict[str, Any], expected: dict[str, int]) -> None:
    point = GROWTH.apply(START, values)
    assert {name: point.to_dict()[name] for name in expected} == expected
    assert point.grow_policy == values["grow_policy"]


@pytest.mark.parametrize(
    ("point", "values", "inside"),
    [
        ({"max_depth": 9}, {"grow_policy": "depthwise", "max_depth": 9}, True),
        ({"max_depth": 10}, {"grow_policy": "depthwise"}, False),
        ({"max_depth": 5, "max_leaves": 8}, {"grow_policy": "depthwise", "max_depth": 5}, False),
        ({"max_depth": 5, "grow_policy": "other"}, {}, False),
    ],
)
def test_points_inside_and_outside(point: dict[str, Any], values: dict[str, Any], inside: bool) -> None:  # noqa: FBT001
    assert GROWTH.locate(START.with_values(point)) == (values, inside)


@given(st.sampled_from(["lossguide", "depthwise"]), st.integers(8, 64), st.integers(2, 9))
def test_a_point_of_a_space_is_found_where_it_was_put(policy: str, leaves: int, depth: int) -> None:
    searched: dict[str, Any] = {"max_leaves": leaves} if policy == "lossguide" else {"max_depth": depth}
    values: dict[str, Any] = {"grow_policy": policy, **searched}
    assert GROWTH.locate(GROWTH.apply(START, values)) == (values, True)
