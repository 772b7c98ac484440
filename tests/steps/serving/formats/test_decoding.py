from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps import schema as schemas
from steps.serving.formats import decoding
from steps.serving.refusals import RefusalError

if TYPE_CHECKING:
    from steps.schema import Schema

SCHEMA: Schema = schemas.load(schemas.BUILTIN)


def read(content: Any) -> pa.RecordBatch:
    return decoding.read_json(SCHEMA, json.dumps(content).encode(), 100)


def test_the_three_forms_of_json_mean_the_same(row: dict[str, Any]) -> None:
    rows = [row, {**row, "Slope": None}]
    columns = {name: [each[name] for each in rows] for name in row}
    assert read(rows).equals(read(columns))
    assert read(row).equals(read(rows).slice(0, 1))


def test_one_hot_columns_are_read_as_by_predict(row: dict[str, Any]) -> None:
    one_hot = {name: value for name, value in row.items() if name not in SCHEMA.categorical}
    for name in SCHEMA.categorical:
        values = SCHEMA.column(name).values
        one_hot |= {f"{name}_{i}": int(value == row[name]) for i, value in enumerate(values)}
    assert read(one_hot).equals(read(row))
    with pytest.raises(RefusalError, match="exactly one must be"):
        read({**one_hot, "Wilderness_Area_0": 1, "Wilderness_Area_1": 1})


def test_columns_that_nothing_needs_may_have_any_value(row: dict[str, Any]) -> None:
    assert read({**row, "id": {"a": [1]}, "note": "x"}).equals(read(row))


def test_csv_and_arrow_mean_what_json_means(row: dict[str, Any]) -> None:
    text = ",".join(row) + "\n" + ",".join(map(str, row.values())) + "\n"
    assert decoding.read_csv(SCHEMA, text.encode(), 10).equals(read(row))
    headerless = text.partition("\n")[2]
    assert decoding.read_csv(SCHEMA, headerless.encode(), 10).equals(read(row))
    table = pa.table({name: [value] for name, value in row.items()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    assert decoding.read_arrow(SCHEMA, bytes(sink.getvalue()), 10).equals(read(row))


def test_problems_of_csv_cells_are_collected(row: dict[str, Any]) -> None:
    lines = [",".join(row), *[",".join(map(str, {**row, "Elevation": "x", "Slope": "?"}.values()))] * 3]
    with pytest.raises(RefusalError) as caught:
        decoding.read_csv(SCHEMA, "\n".join(lines).encode(), 10)
    found = [(problem.row, problem.column) for problem in caught.value.problems]
    assert found == [(at, column) for at in range(3) for column in ("Elevation", "Slope")]


@pytest.mark.parametrize(
    ("values", "words"),
    [([1, "a"], "is a text"), ([1, True], "a truth value"), ([[1]], "neither"), (["a"], "write it without quotes")],
)
def test_values_of_several_kinds_are_refused(values: list[Any], words: str) -> None:
    with pytest.raises(RefusalError, match=words):
        decoding.to_array("Slope", values, text=False)


def test_whole_numbers_beyond_64_bits_stay_out_of_range() -> None:
    assert decoding.to_array("a", [1, 2**70], text=False).to_pylist() == [1.0, 2.0**70]
    assert decoding.to_array("a", [10**400, -(10**400), None], text=False).to_pylist() == [
        float("inf"),
        float("-inf"),
        None,
    ]


def test_truth_values_are_no_numbers() -> None:
    assert decoding.to_array("a", [True, False], text=False).equals(pa.array([True, False]))


@given(values=st.lists(st.integers(-(2**65), 2**65) | st.integers(-3, 3), min_size=1))
def test_whole_numbers_are_those_that_arrow_makes(values: list[int]) -> None:
    fits = all(-(2**63) <= value < 2**63 for value in values)
    expected = pa.array(values, pa.int64()) if fits else None
    found = decoding.to_array("a", values, text=False)
    assert found.equals(expected) if fits else found.cast(pa.float64()).to_pylist() == list(map(float, values))


def test_more_rows_or_columns_than_are_allowed_are_refused(row: dict[str, Any]) -> None:
    with pytest.raises(RefusalError, match="101 rows, 100 are allowed"):
        read([row] * 101)
    with pytest.raises(RefusalError, match="1,012 columns, 1,000 are allowed"):
        read({**row, **{f"c{i}": 1 for i in range(1_000)}})
    with pytest.raises(RefusalError, match="there are no rows"):
        decoding.require_few_rows(0, 1)
