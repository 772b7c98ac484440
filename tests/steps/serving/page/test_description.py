from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from steps.drift.reference import Categorical, Numeric, Reference
from steps.options.serve import ServeOptions
from steps.schema import Column
from steps.serving.documents import Documents
from steps.serving.page.description import _describe_column, describe

if TYPE_CHECKING:
    from steps.serving.versions import ServedModel


def reference(name: str, counted: Numeric | Categorical) -> Reference:
    return Reference({name: counted}, (), np.zeros(0, np.int64))


def numeric(upper: list[float], counts: list[int]) -> Numeric:
    return Numeric(np.array(upper), np.array(counts, np.int64), 0)


def test_columns_cover_types_and_limits_are_those_of_the_version(model: ServedModel) -> None:
    found = describe(model, ServeOptions(max_rows=7, max_body=99))
    assert (found["name"], found["version"]) == ("covertype", "first")
    assert [each["slug"] for each in found["cover_types"]] == ["spruce-fir", "lodgepole-pine", "krummholz"]
    assert [each["threshold"] for each in found["cover_types"]] == list(model.ensemble.thresholds)
    elevation = {"name": "Elevation", "dtype": "int16", "unit": "m", "minimum": 0, "maximum": 9000}
    assert found["columns"][0] == elevation | {"default": 4500, "usual": None}
    soil = found["columns"][-1]
    assert (soil["name"], soil["default"], len(soil["values"])) == ("Soil_Type", "C2702", 40)
    assert found["documents"] == {"report": False, "model_card": False}
    assert found["explains"] is False
    assert found["limits"] == {"rows": 7, "bytes": 99}
    shown = dataclasses.replace(model, documents=Documents(b"", ""))
    assert describe(shown, ServeOptions())["documents"] == {"report": True, "model_card": True}


def test_the_default_is_the_median_of_the_training_rows() -> None:
    column = Column("a", "int16", "m", 0, 100)
    found = _describe_column(column, reference("a", numeric([10, 20, 30, 40], [1, 48, 50, 1])))
    assert (found["default"], found["usual"]) == (30, [20, 30])


@pytest.mark.parametrize(
    ("column", "counted", "default"),
    [
        (Column("a", "float32", minimum=0), numeric([1.23456789], [9]), 1.235),
        (Column("a", "float64", maximum=1.2341), numeric([1.2341], [9]), 1.234),
        (Column("a", "float64", maximum=0.99999), numeric([0.99999], [9]), 0.99999),
        (Column("a", "float64", minimum=1.00001), numeric([1.00001], [9]), 1.00001),
        (Column("a", "int64"), numeric([123_456_789], [9]), 123_456_789),
        (Column("a", "int16", minimum=0, maximum=9), numeric([], []), 4),
        (Column("a", "category", values=("x", "y")), Categorical(("x", "y"), np.array([1, 2]), 0), "y"),
        (Column("a", "category", values=("x", "y")), Categorical(("x", "y"), np.array([0, 0]), 3), "x"),
    ],
)
def test_a_default_is_short_and_allowed(column: Column, counted: Any, default: Any) -> None:
    assert _describe_column(column, reference("a", counted))["default"] == default
