from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from steps.core.errors import BadDataError, BadRowError
from steps.datasets import canonical
from steps.schema import Column, CoverType, Schema
from steps.sources import layouts

COLOURS = ("red", "green", "blue")


def schema_of(*columns: Column) -> Schema:
    return Schema("tiny", "kind", columns, (CoverType(1, "one", ""), CoverType(2, "two", "")))


def number(dtype: str, minimum: float | None = None, maximum: float | None = None) -> Schema:
    return schema_of(Column("size", dtype, minimum=minimum, maximum=maximum))


COLOUR = schema_of(Column("colour", "category", values=COLOURS))


def converted(schema: Schema, values: pa.Array, layout: layouts.Layout | None = None) -> pa.Array:
    """Return the one canonical column made of one source column."""
    layout = layout or layouts.Layout("canonical", one_hot=False, has_split=False)
    batch = pa.RecordBatch.from_arrays([values], [schema.columns[0].name])
    return canonical.canonical_columns(schema, layout, batch, 100, "here")[0]


@pytest.mark.parametrize(
    ("dtype", "values", "kind"),
    [
        ("int8", [-128, 127, None], pa.int64()),
        ("int16", [-32768, 32767], pa.float64()),
        ("uint8", [0, 255], pa.int32()),
        ("int64", [-(2**63), 2**53 + 1, None], pa.int64()),
        ("float32", [0.5, -1e30], pa.float64()),
        ("float64", [0.1, 1e30], pa.float64()),
        ("float64", [1, 2], pa.int8()),
        ("int64", [2**53 + 1, -(2**63), None], pa.decimal128(19, 0)),
        ("int64", [0, 2**63 - 1], pa.uint64()),
        ("int16", [], pa.int16()),
        ("int16", [None, None], pa.null()),
    ],
)
def test_numbers_that_fit(dtype: str, values: list[Any], kind: pa.DataType) -> None:
    made = converted(number(dtype), pa.array(values, kind))
    assert made.type == pa.type_for_alias(dtype)
    assert made.to_pylist() == pa.array(values, pa.type_for_alias(dtype)).to_pylist()


@pytest.mark.parametrize(
    ("schema", "values", "message"),
    [
        (number("int8"), [0, 128], "128 in column 'size' is outside -128 to 127, in row 101 of here"),
        (number("uint8"), [None, -1], "-1 in column 'size' is outside 0 to 255, in row 101"),
        (number("int64"), [2.0**63], "9.223372036854776e\\+18 in column 'size' is outside"),
        (number("int64"), pa.array([2**63], pa.uint64()), "9223372036854775808 in column 'size' is outside"),
        (number("float64"), [1e300], "1e\\+300 in column 'size' is outside"),
        (number("float32"), [float("inf")], "inf in column 'size' is outside"),
        (number("float64"), [float("-inf")], "-inf in column 'size' is outside"),
        (number("float64", 0, 1), [1.5], "1.5 in column 'size' is outside 0 to 1"),
        (number("int16", -5), [-6], "-6 in column 'size' is outside -5 to 32767"),
        (number("int16"), [1.0, 1.5], "1.5 in column 'size' is not a whole number, in row 101"),
        (number("int16"), ["1"], "column 'size' has type string, a number is needed"),
        (number("int64", maximum=2**53), [2**53 + 1], "9007199254740993 in column 'size' is outside"),
        (number("int64", 2**53 + 1), [2.0**53], "9007199254740992 in column 'size' is outside 9007199254740993 to"),
        (number("float64", maximum=2**53), [2**53, 2**53 + 1], "9007199254740993 in column 'size' .* row 101"),
        (number("int8", 0.5), [0], "0 in column 'size' is outside 1 to 127"),
        (number("uint32"), [2**32], "4294967296 in column 'size' is outside 0 to 4294967295"),
        (number("int64"), pa.array([Decimal("1.5")]), "1.5 in column 'size' is not a whole number"),
        (number("int64"), pa.array([Decimal(2**63)]), "9223372036854775808 in column 'size' is outside"),
        (number("float64"), [date(2026, 1, 1)], "has type date32\\[day\\], a number is needed, in here: .* to days"),
        (number("float64"), [[1]], "column 'size' has type list.*, a number is needed"),
        (COLOUR, [["red"]], "column 'colour' has type list.*, strings are needed"),
        (COLOUR, ["Red"], "unknown value 'Red' in column 'colour', in row 100 of here: write it as 'red'\\?"),
        (COLOUR, ["red", "pink"], "unknown value 'pink' in column 'colour', in row 101 of here"),
        (COLOUR, ["red", ""], "unknown value '' in column 'colour'"),
        (COLOUR, [1], "column 'colour' has type int64, strings are needed"),
    ],
)
def test_values_that_do_not_fit(schema: Schema, values: list[Any] | pa.Array, message: str) -> None:
    with pytest.raises(BadDataError, match=message):
        converted(schema, pa.array(values) if isinstance(values, list) else values)


def test_truth_values_and_decimals_are_numbers() -> None:
    for dtype in ("int8", "float64"):
        assert converted(number(dtype), pa.array([True, None, False])).to_pylist() == [1, None, 0]
    assert converted(number("float64"), pa.array([Decimal("0.1"), None])).to_pylist() == [0.1, None]


def test_nan_is_missing() -> None:
    assert converted(number("int16"), pa.array([1.0, float("nan")])).to_pylist() == [1, None]


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["blue", None, "red"]),
        pa.array(["blue", None, "red"], pa.large_string()),
        pa.array(["blue", None, "red"], pa.string_view()),
        pa.array(["blue", None, "red"]).dictionary_encode(),
        pa.array(["blue", None, "red"]).dictionary_encode(null_encoding="encode"),
        pa.DictionaryArray.from_arrays(pa.array([1, None, 2], pa.int64()), pa.array(["pink", "blue", "red"])),
    ],
    ids=lambda values: str(values.type),
)
def test_categories(values: pa.Array) -> None:
    made = converted(COLOUR, values)
    assert made.type == pa.dictionary(pa.int16(), pa.string())
    assert made.to_pylist() == ["blue", None, "red"]
    assert made.dictionary.to_pylist() == list(COLOURS)


def flags(rows: list[tuple[Any, Any, Any]], kind: pa.DataType | None = None) -> list[Any]:
    columns = [pa.array(column).cast(kind) if kind else pa.array(column) for column in zip(*rows, strict=True)]
    batch = pa.RecordBatch.from_arrays(columns, ["colour_0", "colour_1", "colour_2"])
    layout = layouts.recognise_layout(COLOUR, [*batch.schema.names, "kind"], "here")
    made: list[Any] = canonical.canonical_columns(COLOUR, layout, batch, 0, "here")[0].to_pylist()
    return made


@pytest.mark.parametrize("kind", [pa.int8(), pa.float64(), pa.bool_()], ids=str)
def test_flags(kind: pa.DataType) -> None:
    assert flags([(0, 1, 0), (1, 0, 0), (0, 0, 1)], kind) == ["green", "red", "blue"]


def test_a_missing_flag_is_a_missing_category() -> None:
    assert flags([(0, 1, 0), (None, 0, 1), (0, 0, float("nan"))]) == ["green", None, None]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((1, 1, 0), "2 of the columns colour_\\* are 1, exactly one must be, in row 1 of here"),
        ((0, 0, 0), "0 of the columns colour_\\* are 1"),
        ((0, 2, 0), "2 in column 'colour_1' is neither 0 nor 1"),
        ((0, 0.5, 0), "0.5 in column 'colour_1' is neither 0 nor 1"),
    ],
)
def test_flags_that_are_none(row: tuple[float, ...], message: str) -> None:
    with pytest.raises(BadDataError, match=message):
        flags([(0, 1, 0), (row[0], row[1], row[2])])


@pytest.mark.parametrize("row", [(2, 0, 0), (0, 2, 0), (0, 2, 3), (1, 0, 2)], ids=str)
def test_a_flag_that_is_reported_is_reported_once(row: tuple[int, ...]) -> None:
    batch = pa.RecordBatch.from_pydict({f"colour_{i}": [0, value, int(i == 2)] for i, value in enumerate(row)})
    layout = layouts.recognise_layout(COLOUR, [*batch.schema.names, "kind"], "here")
    found: list[int] = []

    def report(error: BadRowError, _: str) -> None:
        assert len(found) < 3, "it is reported again and again"
        found.append(error.row)

    assert canonical.canonical_columns(COLOUR, layout, batch, 0, "here", report)[0].to_pylist() == [None, None, "blue"]
    assert sorted(row for row in found if row is not None) == [0, 1]


def test_flags_as_text() -> None:
    with pytest.raises(BadDataError, match="column 'colour_0' has type string, 0 and 1 are needed"):
        flags([("0", "1", "0")])


def test_a_range_of_a_float32_column_is_rounded_as_its_values_are() -> None:
    for kind in (pa.float32(), pa.float64()):
        assert len(converted(number("float32", 0.1, 0.1), pa.array([0.1], kind))) == 1
    with pytest.raises(BadDataError, match="is outside"):
        converted(number("float32", 0.1, 0.1), pa.array([0.2]))


def test_text_that_is_not_utf_8_is_said_so() -> None:
    data = pa.py_buffer(b"\xff"), pa.py_buffer(np.array([0, 1], np.int32).tobytes())
    with pytest.raises(BadDataError, match="a value of column 'colour' is not UTF-8"):
        converted(COLOUR, pa.Array.from_buffers(pa.string(), 1, [None, data[1], data[0]]))


def test_numbers_are_categories_where_their_names_are() -> None:
    schema = schema_of(Column("size", "category", values=("1", "2")))
    for values in (pa.array([2, None]), pa.array([2.0, None]), pa.array([2, None]).dictionary_encode()):
        assert converted(schema, values).to_pylist() == ["2", None]


def test_codes_are_as_wide_as_the_values_need() -> None:
    for count, kind in ((2**15, pa.int16()), (2**15 + 1, pa.int32())):
        values = tuple(map(str, range(count)))
        made = converted(schema_of(Column("size", "category", values=values)), pa.array([values[-1]]))
        assert made.type == pa.dictionary(kind, pa.string())
        assert made.to_pylist() == [values[-1]]


@pytest.mark.parametrize("values", [["train", "dev"], [0, 1]])
def test_a_split_that_is_none(values: list[Any]) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array(values)], ["split"])
    with pytest.raises(BadDataError, match="in column 'split' is not one of train, validation, test"):
        canonical.encode_splits(batch, 0, "here")
