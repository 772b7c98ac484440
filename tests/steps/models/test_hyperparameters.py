from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from steps.core.errors import BadDataError, NoInputError, from_os_error
from steps.models import hyperparameters
from steps.options.train import GrowPolicy, Hyperparameters


def written(folder: Path, document: Any) -> Path:
    path = folder / "parameters.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_round_trip(tmp_path: Path) -> None:
    chosen = Hyperparameters(rounds=7, gamma=1, subsample=0.5, grow_policy=GrowPolicy.LOSSGUIDE)
    assert hyperparameters.read(written(tmp_path, {"parameters": chosen.to_dict(), "origin": "x"})) == chosen


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    assert hyperparameters.read(written(tmp_path, {"parameters": {"rounds": 5}})) == Hyperparameters(rounds=5)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ([], "there are no 'parameters'"),
        ({}, "there are no 'parameters'"),
        ({"parameters": None}, "there are no 'parameters'"),
        ({"parameters": {"depth": 5}}, "unknown hyperparameter 'depth', in .*: use rounds, learning_rate"),
        ({"parameters": {"rounds": "5"}}, "rounds cannot be '5'"),
        ({"parameters": {"rounds": 5.5}}, "rounds cannot be 5.5"),
        ({"parameters": {"rounds": True}}, "rounds cannot be True"),
        ({"parameters": {"rounds": 0}}, "rounds cannot be 0"),
        ({"parameters": {"evaluate_every": 0}}, "evaluate_every cannot be 0"),
        ({"parameters": {"max_depth": -1}}, "max_depth cannot be -1"),
        ({"parameters": {"max_bin": 2**31}}, "max_bin cannot be 2147483648"),
        ({"parameters": {"gamma": 10**400}}, "gamma cannot be 10000"),
        ({"parameters": {"gamma": None}}, "gamma cannot be None"),
        ('{"parameters": {"gamma": NaN}}', "gamma cannot be nan"),
        ({"parameters": {"grow_policy": 1}}, "grow_policy cannot be 1"),
    ],
)
def test_files_that_are_none(tmp_path: Path, document: Any, message: str) -> None:
    with pytest.raises(BadDataError, match=message):
        hyperparameters.read(written(tmp_path, document))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        hyperparameters.read(tmp_path / "nowhere.json")
    assert isinstance(from_os_error(caught.value), NoInputError)
