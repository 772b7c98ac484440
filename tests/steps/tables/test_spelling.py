"""A value is the same value however a file spells it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from steps.core.errors import BadDataError
from steps.tables import spelling


def positions(names: list[str], values: pa.Array) -> list[int | None]:
    found: list[int | None] = spelling.find_positions(names, spelling.to_text(values, "x", "here")).to_pylist()
    return found


@pytest.mark.parametrize("names", [["True", "False"], ["true", "false"], ["TRUE", "FALSE"]])
def test_truth_values_are_found_in_every_spelling(names: list[str]) -> None:
    assert positions(names, pa.array(["True", "true", "TRUE", None, "false"])) == [0, 0, 0, None, 1]
    assert positions(names, pa.array([True, None, False])) == [0, None, 1]
    assert positions(names, pa.array([True, False]).dictionary_encode()) == [0, 1]


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["1", "1.0", "2.", None]),
        pa.array([1, 1, 2, None], pa.int8()),
        pa.array([1.0, 1.0, 2.0, float("nan")]),
        pa.array(np.array([1, 1, 2, np.nan], np.float16)),
        pa.array([1, 1, 2, None], pa.decimal128(5, 2)),
        pa.array([1, 1, 2, None]).dictionary_encode(),
        pa.array([b"1", b"1", b"2", None]),
    ],
    ids=lambda values: str(values.type),
)
def test_whole_numbers_are_found_with_and_without_a_point(values: pa.Array) -> None:
    assert positions(["1", "2"], values) == [0, 0, 1, None]


def test_the_very_spelling_comes_first_and_an_ambiguous_one_is_unknown() -> None:
    assert positions(["True", "true", "1", "1.0"], pa.array(["true", "1.0", "TRUE", "1.00"])) == [1, 3, None, None]
    assert positions(["01"], pa.array(["01", "1"])) == [0, None]


@pytest.mark.parametrize("values", [pa.array([[1]]), pa.array([{"a": 1}]), pa.array([b"\xff"])], ids=str)
def test_a_type_without_a_spelling_is_refused(values: pa.Array) -> None:
    with pytest.raises(BadDataError, match=r"column 'x' has type .*, strings are needed, in here"):
        spelling.to_text(values, "x", "here")


@pytest.mark.parametrize(
    ("word", "expected"),
    [("elevation", "Elevation"), ("Elevation ", "Elevation"), ("cover-type", "Cover_Type"), ("Elevtion", "Elevation")],
)
def test_the_nearest_name(word: str, expected: str) -> None:
    assert spelling.nearest_name(word, ["Aspect", "Elevation", "Cover_Type"]) == expected
    assert spelling.nearest_name("income", ["Aspect", "Elevation", "Cover_Type"]) is None


@pytest.mark.parametrize(
    ("value", "words"),
    [(3.0, "3"), (0.1, "0.1"), (2**53 + 1, "9007199254740993"), (1e300, "1e+300"), ("a\0b", r"'a\x00b'")],
)
def test_values_are_shown_as_they_are(value: Any, words: str) -> None:
    assert spelling.format_value(value) == words


def test_a_long_value_is_cut() -> None:
    assert len(spelling.format_value("x" * 10**6)) < 100
    assert len(spelling.quote("x" * 10**6)) < 100
