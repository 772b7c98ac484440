from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from steps.comparison.scores import NoCommonRowsError
from steps.core.errors import NoInputError
from steps.registry.destinations import Folder
from tests.conftest import SLUG
from tests.workflows.compared_runs import make_run, make_version, retrained
from workflows.runs import comparison

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Chain


def test_two_runs_are_compared(tmp_path: Path, chain: Chain) -> None:
    make_run(tmp_path, "a", chain)
    make_run(tmp_path, "b", retrained(chain, tmp_path / "chain", rounds=2, max_leaves=4), rows=4000)
    sides = comparison.read_sides(("a", "b"), tmp_path, None)
    found = comparison.compare_sides(*sides)
    assert json.loads(json.dumps(found)) == found
    assert (found["first"]["name"], found["second"]["name"]) == ("a", "b")
    assert found["test_rows"]["common"] == found["test_rows"]["first"] == found["test_rows"]["second"]
    assert found["test_rows"]["same"]
    assert [(each["metric"], each["cover_type"]) for each in found["metrics"]] == [("f1", SLUG), ("pr_auc", SLUG)]
    for each in found["metrics"]:
        assert each["gain"] == pytest.approx(each["second"] - each["first"])
        assert each["gain"] < 0
        assert each["low"] <= each["gain"] <= each["high"]
    changed = {each["name"]: (each["cover_type"], each["second"]) for each in found["parameters"]}
    assert changed["rounds"] == (None, 2)
    assert changed["max_leaves"] == (None, 4)
    assert "sha256" not in changed
    assert found["data"] == [{"name": "rows", "first": 3000, "second": 4000}]


def test_a_version_is_compared_with_a_run(tmp_path: Path, chain: Chain) -> None:
    make_version(tmp_path / "registry", make_run(tmp_path / "runs", "a", chain))
    make_run(tmp_path / "runs", "b", chain)
    opener = lambda: Folder(tmp_path / "registry")  # noqa: E731 - a function that is called once
    sides = comparison.read_sides(("a", "b"), tmp_path / "runs", opener)
    assert [side.kind for side in sides] == ["version", "run"]
    found = comparison.compare_sides(*sides)
    assert all(each["gain"] == each["low"] == each["high"] == 0 for each in found["metrics"])
    assert (found["parameters"], found["data"]) == ([], [])
    with pytest.raises(NoInputError, match="there is no version and no alias 'c'"):
        comparison.read_sides(("a", "c"), tmp_path / "runs", opener)


def test_without_common_test_rows_there_is_no_comparison(tmp_path: Path, chain: Chain) -> None:
    make_run(tmp_path, "a", chain)
    first, second = comparison.read_sides(("a", "a"), tmp_path, None)
    other = replace(second, scores=replace(second.scores, rows=second.scores.rows + 1_000_000, seed=7))
    with pytest.raises(NoCommonRowsError, match="no test rows in common"):
        comparison.compare_sides(first, other)


def test_parameters_that_differ_for_some_models_are_listed_by_model() -> None:
    common = {"parameters": {"rounds": 5, "depth": 3}, "seed": 0, "libraries": {"xgboost": "1"}, "sha256": {"m": "x"}}
    first = {"a": common, "b": common}
    second = {"a": {**common, "parameters": {"rounds": 6, "depth": 4}}, "b": {**common, "parameters": {"rounds": 6}}}
    assert comparison.differing_parameters(first, second) == [
        {"name": "rounds", "cover_type": None, "first": 5, "second": 6},
        {"name": "depth", "cover_type": "a", "first": 3, "second": 4},
        {"name": "depth", "cover_type": "b", "first": 3, "second": None},
    ]
    assert comparison.differing_parameters(first, {**first, "c": common}) == [
        {"name": "model", "cover_type": "c", "first": False, "second": True}
    ]
    assert comparison.differing_parameters(first, first) == []
