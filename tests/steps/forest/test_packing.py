from __future__ import annotations

import numpy as np
import pytest

from steps.forest import packing, trees
from steps.forest.packing import NARROW, WIDE, PackedTrees
from steps.forest.trees import UnsupportedModelError
from tests.steps.forest.random_models import named, rows_for, train


def packed_trees(*seeds: int, **options: object) -> PackedTrees:
    return packing.pack(trees.read(named(*(train(seed, **options) for seed in seeds))))  # type: ignore[arg-type]


def walk(found: PackedTrees, tree: int, bins: dict[int, int]) -> np.float32:
    """Follow the words of a tree to a leaf, as the documentation of the fields says."""
    form, at = found.format, int(found.root[tree])
    while True:
        word = int(found.words[at])
        column = word >> form.bin & (1 << form.column) - 1
        right = bins[column] > word & form.highest_bin
        split = word >> (form.left_split + right) & 1
        at += (word >> form.distance) + right
        if not split:
            return np.uint32(found.words[at]).view(np.float32)


def bins_of(found: PackedTrees, row: np.ndarray) -> dict[int, int]:
    bins = {}
    for column, feature in enumerate(found.column_feature):
        own = found.thresholds[found.column_start[column] :][: (1 << found.column_steps[column]) - 1]
        value = row[feature]
        bins[column] = int(found.column_missing[column]) if np.isnan(value) else int((own <= value).sum())
    return bins


@pytest.mark.parametrize("form", packing.FORMATS, ids=["narrow", "wide"])
def test_the_words_lead_to_the_leaves_of_xgboost(form: packing.WordFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "FORMATS", (form,))
    found, booster = packed_trees(1, rounds=6, missing=0.3), train(1, rounds=6, missing=0.3)
    for row in rows_for(booster, 60):
        margin = found.base_margins[0]
        for tree in range(6):
            margin += walk(found, tree, bins_of(found, row))
        assert margin == booster.inplace_predict(row[np.newaxis], predict_type="margin")[0]


def test_the_narrowest_format_that_holds_the_forest_is_used() -> None:
    assert packed_trees(0).format == NARROW
    assert packed_trees(0, rows=3000, rounds=30, max_bin=2000, max_depth=12).format == WIDE


@pytest.mark.parametrize(
    ("form", "numbers"),
    [
        (NARROW, {"thresholds": 255, "columns": 64, "distance": 65535}),
        (WIDE, {"thresholds": 65535, "columns": 65536, "distance": (1 << 30) - 1}),
    ],
)
def test_the_limits_of_a_format(form: packing.WordFormat, numbers: dict[str, int]) -> None:
    assert form.fits(**numbers)
    for name, value in numbers.items():
        assert not form.fits(**{**numbers, name: value + 1})


def test_a_forest_that_no_format_holds_is_left_to_xgboost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "FORMATS", ())
    with pytest.raises(UnsupportedModelError, match="too large"):
        packed_trees(0)


def test_a_feature_has_a_column_for_each_default_direction_that_occurs() -> None:
    assert sorted(packed_trees(0).column_feature.tolist()) == sorted(set(packed_trees(0).column_feature.tolist()))
    both = packed_trees(0, missing=0.5, rounds=20)
    columns = list(zip(both.column_feature.tolist(), both.column_missing.tolist(), strict=True))
    assert len(columns) == len(set(columns)) > both.features
    assert {missing for _, missing in columns} == {0, 255}


def test_trees_with_one_leaf_have_no_columns() -> None:
    found = packed_trees(1, 2, gamma=1e9)
    assert len(found.column_feature) == 0
    leaves = found.words.reshape(6, 4)[:, 2].view("f4")
    for bin_ in (0, 255):
        assert [float(walk(found, tree, {0: bin_})) for tree in range(6)] == leaves.tolist()
