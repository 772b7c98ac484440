"""Features by columns of Arrow; their formulas are tested in ``tests/steps/models/test_features.py``."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest

from steps.bundles import FeatureColumns

COLUMNS = FeatureColumns(
    numeric=["a", "b"],
    categories={"level": ["low", "middle", "high"]},
    derived=[{"name": "a_b", "operation": "sum", "of": ["a", "b"]}],
    seen={"level": ["low", "high"]},
)
LEVELS = ["high", None, "middle", "low"]


@pytest.mark.parametrize("encoded", [True, False])
def test_numbers_codes_and_derived_features(*, encoded: bool) -> None:
    level = pa.array(LEVELS)
    found = COLUMNS.compute(
        {
            "a": pa.array([1, 2, None, 4], pa.int16()),
            "b": pa.array([0.5, None, 1, 2], pa.float64()),
            "level": level.dictionary_encode() if encoded else level,
        }
    )
    assert list(found) == ["a", "b", "level", "a_b"]
    assert found["a"].equals(pa.array([1, 2, None, 4], pa.int16()))
    assert math.isnan(found["b"][1].as_py())
    assert found["level"].equals(pa.array([1, None, -1, 0], pa.int16()))
    assert found["a_b"].type == pa.float32()
    assert [None if math.isnan(value) else value for value in found["a_b"].to_pylist()] == [1.5, None, None, 6]


def test_rows_do_not_depend_on_each_other() -> None:
    rows = {"a": pa.array([7, 9]), "b": pa.array([1.0, 2.0]), "level": pa.array(["low", "high"])}
    whole = COLUMNS.compute(rows)
    parts = [COLUMNS.compute({name: values.slice(at, 1) for name, values in rows.items()}) for at in (0, 1)]
    assert {name: [part[name][0].as_py() for part in parts] for name in whole} == {
        name: values.to_pylist() for name, values in whole.items()
    }


def test_the_columns_that_are_read_are_named_once() -> None:
    assert COLUMNS.sources == ["a", "b", "level"]


def test_a_derived_feature_beyond_float32_is_refused() -> None:
    huge = {"a": pa.array([3e38]), "b": pa.array([3e38]), "level": pa.array(["low"])}
    with pytest.raises(OverflowError, match="derived feature 'a_b'"):
        COLUMNS.compute(huge)
