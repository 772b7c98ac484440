from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from steps.core.errors import BadDataError, UsageError
from steps.schema import CoverType, Schema
from steps.tables import labels
from tests.support import SCHEMA

NAMES = replace(SCHEMA, cover_types=(CoverType("oak", "oak", "Oak"), CoverType("elm", "elm", "Elm")))
FROM_ZERO = replace(
    SCHEMA,
    cover_types=tuple(CoverType(label, f"type-{label}", "") for label in range(3)),
    labels_may_start_at_zero=False,
)


@pytest.mark.parametrize(
    ("schema", "mode", "found", "expected"),
    [
        (SCHEMA, "auto", {1, 7}, 0),
        (SCHEMA, "auto", {7.0}, 0),
        (SCHEMA, "auto", {0, 6}, 1),
        (SCHEMA, "auto", {0.0}, 1),
        (SCHEMA, "zero", (), 1),
        (SCHEMA, "one", (), 0),
        (FROM_ZERO, "auto", {0, 1, 2}, 0),
        (FROM_ZERO, "zero", (), 0),
        (FROM_ZERO, "one", (), -1),
        (NAMES, "auto", {"oak"}, 0),
    ],
)
def test_offset(schema: Schema, mode: str, found: Any, expected: int) -> None:
    assert labels.find_offset(schema, found, mode, "here") == expected


@pytest.mark.parametrize(("found", "words"), [({0, 7}, "both occur"), ({1, 6}, "neither occurs")])
def test_a_question_where_only_the_user_can_tell(found: set[object], words: str) -> None:
    with pytest.raises(BadDataError, match=f"start at 0 or at 1\\? Of 0 and 7 {words}"):
        labels.find_offset(SCHEMA, found, "auto", "here")


def test_no_labels_at_all() -> None:
    with pytest.raises(BadDataError, match="there is no row with a value"):
        labels.find_offset(SCHEMA, set(), "auto", "here")


def test_names_count_nothing() -> None:
    with pytest.raises(UsageError, match="are strings"):
        labels.find_offset(NAMES, set(), "zero", "here")


@pytest.mark.parametrize(
    ("schema", "shift", "word"),
    [(SCHEMA, 0, "one"), (SCHEMA, 1, "zero"), (FROM_ZERO, 0, "zero"), (FROM_ZERO, -1, "one"), (NAMES, 0, "names")],
)
def test_start(schema: Schema, shift: int, word: str) -> None:
    assert labels.describe_start(schema, shift) == word


@pytest.mark.parametrize("kind", [pa.uint8(), pa.int64(), pa.float64(), pa.float32()], ids=str)
@pytest.mark.parametrize("shift", [0, 1])
def test_codes_are_positions(kind: pa.DataType, shift: int) -> None:
    values = pa.array([7 - shift, None, 1 - shift], kind)
    codes = labels.encode_labels(SCHEMA, values, shift, 0, "here")
    assert codes.tolist() == [6, labels.MISSING, 0]
    assert codes.dtype == np.int16


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_codes_of_names(kind: pa.DataType) -> None:
    values = pa.array(["elm", None, "oak"], kind)
    assert labels.encode_labels(NAMES, values, 0, 0, "here").tolist() == [1, labels.MISSING, 0]
    if kind != pa.string_view():
        assert labels.encode_labels(NAMES, values.dictionary_encode(), 0, 0, "here").tolist() == [1, labels.MISSING, 0]


ZERO_ONE = replace(SCHEMA, cover_types=(CoverType(1, "yes", ""), CoverType(0, "no", "")))
YES_NO = replace(SCHEMA, cover_types=(CoverType("True", "yes", ""), CoverType("false", "no", "")))


@pytest.mark.parametrize("schema", [ZERO_ONE, YES_NO], ids=["numbers", "names"])
def test_truth_values_are_labels(schema: Schema) -> None:
    assert labels.encode_labels(schema, pa.array([True, None, False]), 0, 0, "here").tolist() == [0, labels.MISSING, 1]


@pytest.mark.parametrize("kind", [pa.int8(), pa.float32(), pa.float64(), pa.decimal128(21, 2)], ids=str)
def test_numbers_are_labels_that_are_strings(kind: pa.DataType) -> None:
    schema = replace(SCHEMA, cover_types=(CoverType("1", "one", ""), CoverType("2", "two", "")))
    values = pa.array([2, None, 1]).cast(kind)
    assert labels.encode_labels(schema, values, 0, 0, "here").tolist() == [1, labels.MISSING, 0]


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64(), pa.decimal128(19, 0)], ids=str)
def test_large_labels_are_compared_exactly(kind: pa.DataType) -> None:
    types = (CoverType(2**53, "a", ""), CoverType(2**53 + 1, "b", ""), CoverType(-1, "c", ""))
    values = pa.array([2**53 + 1, 2**53]).cast(kind)
    assert labels.encode_labels(replace(SCHEMA, cover_types=types), values, 0, 0, "here").tolist() == [1, 0]


def test_nan_is_a_missing_label() -> None:
    assert labels.encode_labels(SCHEMA, pa.array([float("nan"), 2.0]), 0, 0, "here").tolist() == [labels.MISSING, 1]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pa.array([1, 8]), "label 8 in column 'Cover_Type' is not one of 1, 2, 3, 4, 5, 6, 7, in row 11 of here"),
        (pa.array([1, 2.5]), "label 2.5 in column 'Cover_Type' is not one of 1"),
        (pa.array(["1"]), "has type string, integers are needed"),
        (pa.array([True]), "has type bool, integers are needed"),
        (pa.array([[1]]), "has type list.*, integers are needed"),
        (pa.array([2**64 - 1], pa.uint64()), "label 18446744073709551615 in column 'Cover_Type' is not one of"),
        (pa.array([1.5]).cast(pa.decimal128(5, 2)), "label 1.50 in column 'Cover_Type' is not a whole number"),
    ],
)
def test_labels_that_are_none(values: pa.Array, message: str) -> None:
    with pytest.raises(BadDataError, match=message):
        labels.encode_labels(SCHEMA, values, 0, 10, "here")


def test_count_adds_up_over_batches() -> None:
    batches = [pa.array([1, 2, None]), pa.array([2, 7]), pa.array([], pa.int64())]
    assert labels.count_labels(SCHEMA, batches, "here") == {1: 1, 2: 2, 7: 1}
