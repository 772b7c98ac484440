from __future__ import annotations

import pytest

from steps.core.errors import BadDataError
from steps.schema import Column, CoverType, Schema
from steps.sources import layouts
from tests.support import FEATURES, SCHEMA, TARGET, Counted


def schema_of(*columns: Column) -> Schema:
    return Schema("tiny", "kind", columns, (CoverType(1, "one", ""), CoverType(2, "two", "")))


def number(dtype: str, minimum: float | None = None, maximum: float | None = None) -> Schema:
    return schema_of(Column("size", dtype, minimum=minimum, maximum=maximum))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (FEATURES, "column 'Cover_Type' is missing, in here: add it"),
        ([*FEATURES, TARGET, "x"], "column 'x' is not in the schema, in here: drop it"),
        ([*FEATURES[1:], "elevation", TARGET], "column 'Elevation' is missing and column 'elevation' is not in"),
        ([*FEATURES, TARGET, TARGET], "column 'Cover_Type' occurs twice"),
        (layouts.one_hot_names(SCHEMA), "column 'Cover_Type' is missing"),
        ([*layouts.one_hot_names(SCHEMA)[:-1], TARGET], "column 'Soil_Type_39' is missing"),
        ([*layouts.one_hot_names(SCHEMA), "Soil_Type_40", TARGET], "column 'Soil_Type_40' is not in the schema"),
        ([*layouts.one_hot_names(SCHEMA)[:-40], TARGET], "columns .* and 37 more are missing, in here: add them"),
        ([*FEATURES[1:], "elevation", TARGET], "rename 'elevation' to 'Elevation'\\?"),
        ([name.lower() for name in [*FEATURES, TARGET]], "rename 'elevation' to 'Elevation'\\?"),
        ([*FEATURES[1:], "Elevtion", "x", TARGET], "rename 'Elevtion' to 'Elevation'\\?"),
        (
            [*FEATURES[1:], "x", "y", TARGET],
            "'Elevation' is missing and columns 'x', 'y' are not in the schema.*name them",
        ),
        ([*FEATURES, TARGET, ""], "the last column has no name, in here: check for a comma"),
        (["a", "", *FEATURES, TARGET], "column 2 has no name, in here: name it as the schema does"),
    ],
)
def test_columns_that_fit_no_layout(names: list[str], message: str) -> None:
    with pytest.raises(BadDataError, match=message):
        layouts.recognise_layout(SCHEMA, names, "here")


def test_layouts_in_which_two_columns_have_one_name_are_none() -> None:
    schema = schema_of(Column("a", "category", values=("x", "y")), Column("a_0", "int8"))
    assert {
        layout.first for layout, _ in layouts.possible_layouts(schema) if layout.separator == "_" and layout.one_hot
    } == {1}


def test_recognising_compares_each_name_a_few_times() -> None:
    names = [Counted(f"name {i}") for i in range(300)]
    schema = schema_of(*(Column(name, "int8") for name in names))
    Counted.comparisons = 0
    assert layouts.recognise_layout(schema, [*names, "kind"], "here").name == "canonical"
    assert Counted.comparisons < 20 * len(names)


def test_a_split_column_is_seen() -> None:
    assert layouts.recognise_layout(SCHEMA, [*FEATURES, TARGET, "split"], "here").has_split


def test_headerless_columns() -> None:
    assert layouts.headerless_names(SCHEMA, 13, "here") == [*FEATURES, TARGET]
    assert layouts.headerless_names(SCHEMA, 55, "here") == [*layouts.one_hot_names(SCHEMA), TARGET]
    with pytest.raises(BadDataError, match="14 columns without a header, where 13 or 55 are expected"):
        layouts.headerless_names(SCHEMA, 14, "here")
    with pytest.raises(BadDataError, match="where 2 are expected"):
        layouts.headerless_names(number("int8"), 3, "here")
