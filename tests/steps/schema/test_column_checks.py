from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.schema import Column, Derived, Schema, column_checks
from steps.schema.dtypes import DTYPES, value_range
from tests.support import SCHEMA, Counted

SIZE = Column("size", "float32", "m", 0, 1.5)
COLOUR = Column("colour", "category", values=("red", "green"))


def problems_of(*columns: Column, target: str = "kind", derived: tuple[Derived, ...] = ()) -> list[str]:
    return list(column_checks.find_problems(Schema("tiny", target, columns, SCHEMA.cover_types, derived)))


def test_columns_without_a_problem() -> None:
    assert problems_of(SIZE, COLOUR) == []
    assert list(column_checks.find_problems(SCHEMA)) == []


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ((), "at least one column is needed"),
        ((SIZE, replace(COLOUR, name="size")), "column 'size' occurs twice"),
        ((replace(SIZE, name="kind"),), "column 'kind' occurs twice"),
        ((replace(SIZE, name="row"),), "column name 'row' is reserved"),
        ((replace(SIZE, name=""),), "a column has no name"),
        ((replace(SIZE, name="size "),), "column name 'size ' begins or ends with a space"),
        ((replace(SIZE, name="si\nze"),), "column name 'si\\nze' contains '\\n', a control character"),
        ((replace(SIZE, minimum=2),), "the minimum of column 'size' is above its maximum"),
        ((replace(SIZE, values=("a",)),), "column 'size' has values, so its dtype must be 'category'"),
        ((replace(COLOUR, values=()),), "column 'colour' is a category without values"),
        ((replace(COLOUR, values=("a", "a")),), "value 'a' of column 'colour' occurs twice"),
        ((replace(COLOUR, minimum=0),), "column 'colour' is a category, which has no minimum or maximum"),
    ],
)
def test_a_problem_is_one_line(columns: tuple[Column, ...], problem: str) -> None:
    assert problems_of(*columns) == [problem]


def test_names_that_the_steps_use() -> None:
    assert problems_of(SIZE, target="split") == ["column name 'split' is reserved"]
    derived = (Derived("label", "sum", ("size", "size")),)
    assert problems_of(SIZE, derived=derived) == ["column name 'label' is reserved"]


def test_all_problems_are_found() -> None:
    assert len(problems_of(replace(SIZE, name="row", minimum=2), replace(COLOUR, values=()))) == 3


@given(st.sampled_from(DTYPES[:-1]), st.floats())
def test_a_limit_is_inside_the_range_of_its_dtype(dtype: str, limit: float) -> None:
    low, high = value_range(dtype)
    assert (problems_of(Column("size", dtype, maximum=limit)) == []) == (low <= limit <= high)


def test_the_checks_compare_each_name_a_few_times() -> None:
    names = [Counted(f"name {i}") for i in range(300)]
    columns = [Column(name, "int8") for name in names]
    schema = Schema("wide", "kind", (*columns, Column("colour", "category", values=tuple(names))), SCHEMA.cover_types)
    Counted.comparisons = 0
    assert list(column_checks.find_problems(schema)) == []
    assert Counted.comparisons < 20 * len(names)
