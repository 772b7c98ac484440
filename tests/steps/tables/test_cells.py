from __future__ import annotations

import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.tables import cells

INT64 = st.integers(-(2**63), 2**63 - 1)


def test_spaces_are_stripped_and_missing_values_are_null() -> None:
    found = cells.strip_and_mark_missing(pa.array([" a ", "NA", " nan", "", "  ", "null", None, "0"]))
    assert found.to_pylist() == ["a", None, None, None, None, None, None, "0"]


def test_booleans() -> None:
    column = pa.array(["TRUE", "false", None, "True"])
    assert cells.boolean_mask(pa.array(["true", "1", None, "False"])).to_pylist() == [True, False, None, True]
    assert cells.parse_booleans(column).equals(pa.array([1, 0, None, 1], pa.int8()))


@given(st.lists(INT64 | st.none()), st.sampled_from(["{}", "{}.", "{}.0", "{}.000", "{}e0"]))
def test_whole_numbers_are_exact_in_every_spelling(numbers: list[int | None], form: str) -> None:
    text = pa.array([None if number is None else form.format(number) for number in numbers], pa.string())
    assert cells.parse_whole_numbers(text).equals(pa.array(numbers, pa.int64()))


@given(st.lists(st.floats(allow_nan=False) | st.none()))
def test_numbers_are_read_back(numbers: list[float | None]) -> None:
    text = pa.array([None if number is None else repr(number) for number in numbers], pa.string())
    assert cells.parse_numbers(text).to_pylist() == numbers


@pytest.mark.parametrize(("cell", "number"), [("+1.5", 1.5), (".5e1", 5.0), ("1.", 1.0), ("-INFINITY", -math.inf)])
def test_numbers_that_arrow_rejects(cell: str, number: float) -> None:
    assert cells.parse_numbers(pa.array(["1", cell])).to_pylist() == [1.0, number]


@pytest.mark.parametrize("cell", ["+7", "+7.0", "700e-2", "0.7e1"])
def test_whole_numbers_that_arrow_rejects(cell: str) -> None:
    assert cells.parse_whole_numbers(pa.array([cell])).to_pylist() == [7]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("1.5", "1.5 is not a whole number"),
        ("inf", "inf is not a whole number"),
        ("high", "'high' is not a number"),
        ("0xFF", "'0xFF' is not a number"),
        ("1_000", "'1_000' is not a number"),
        ("\u0661", "'\u0661' is not a number"),
        (str(2**63), f"{2**63} is outside {-(2**63)} to {2**63 - 1}"),
        ("1e999999999", "1e999999999 is outside"),
        ("1e99999999999999999999", "1e99999999999999999999 is not a whole number of 64 bits"),
    ],
)
def test_a_cell_that_is_not_a_whole_number(cell: str, words: str) -> None:
    with pytest.raises(cells.CellError) as caught:
        cells.parse_whole_numbers(pa.array(["1", cell]))
    assert str(caught.value).startswith(words)
    assert caught.value.at == 1


@pytest.mark.parametrize("cell", ["3,5", "1,000.5", "-1,0"])
def test_a_comma_has_its_own_fix(cell: str) -> None:
    with pytest.raises(cells.CellError) as caught:
        cells.parse_numbers(pa.array([None, cell]))
    error = caught.value
    assert (error.at, error.cell, error.problem) == (1, repr(cell), "is not a number")
    assert error.fix == "write numbers with a decimal point and without commas"


def test_a_long_cell_is_cut_in_the_message() -> None:
    with pytest.raises(cells.CellError) as caught:
        cells.parse_numbers(pa.array(["x" * 10_000]))
    assert len(str(caught.value)) < 100
