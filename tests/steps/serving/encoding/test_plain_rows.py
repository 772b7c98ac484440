"""The fast path gives the features of the way of ``predict``, bit for bit, or leaves the rows to it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps import schema as schemas
from steps.serving.encoding.plain_rows import PlainRows
from steps.serving.formats import decoding
from steps.serving.refusals import RefusalError
from tests.steps.serving.encoding.same_bits import assert_equal

if TYPE_CHECKING:
    import numpy as np

    from steps.schema import Column
    from steps.serving.versions import ServedModel

SCHEMA = schemas.load(schemas.BUILTIN)


def values_of(column: Column) -> st.SearchStrategy[Any]:
    if column.categorical:
        return st.sampled_from([*column.values, None])
    return st.none() | st.integers(int(column.minimum or 0), int(column.maximum or 0))


ROWS = st.lists(st.fixed_dictionaries({column.name: values_of(column) for column in SCHEMA.columns}), min_size=1)
ODD = st.one_of(st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.text(max_size=5), st.booleans(), st.none())


def slow_features(model: ServedModel, body: bytes) -> list[np.ndarray]:
    return model.ensemble.features(decoding.read_json(model.schema, body, 1_000))


@settings(max_examples=60)
@given(rows=ROWS)
def test_both_ways_give_the_same_bits(model: ServedModel, rows: list[dict[str, Any]]) -> None:
    body = json.dumps(rows).encode()
    decoded = model.plain.decode(body)
    assert len(decoded) == len(rows)
    assert_equal(model.plain.features(decoded), slow_features(model, body))


@settings(max_examples=150)
@given(rows=ROWS, name=st.sampled_from([column.name for column in SCHEMA.columns]), value=ODD)
def test_a_row_that_one_way_accepts_means_the_same_in_the_other(
    model: ServedModel, rows: list[dict[str, Any]], name: str, value: Any
) -> None:
    body = json.dumps([*rows, {**rows[0], name: value}]).encode()
    try:
        decoded = model.plain.decode(body)
    except msgspec.DecodeError:
        return
    assert_equal(model.plain.features(decoded), slow_features(model, body))


@settings(max_examples=60)
@given(rows=ROWS, times=st.sampled_from([1, 40]))
def test_a_list_for_each_column_gives_the_bits_of_the_other_way(
    model: ServedModel, rows: list[dict[str, Any]], times: int
) -> None:
    columns = {name: [row[name] for row in rows] * times for name in rows[0]}
    body = json.dumps(columns).encode()
    found = model.plain.column_features(model.plain.decode_columns(body))
    assert_equal(found, slow_features(model, body))
    assert_equal(found, model.plain.features(model.plain.decode(json.dumps(rows * times).encode())))


@settings(max_examples=100)
@given(rows=ROWS, name=st.sampled_from([column.name for column in SCHEMA.columns]), value=ODD)
def test_a_list_that_one_way_accepts_means_the_same_in_the_other(
    model: ServedModel, rows: list[dict[str, Any]], name: str, value: Any
) -> None:
    body = json.dumps({each: [*(row[each] for row in rows)] for each in rows[0]} | {name: [value] * len(rows)}).encode()
    try:
        columns = model.plain.decode_columns(body)
    except msgspec.DecodeError:
        return
    assert_equal(model.plain.column_features(columns), slow_features(model, body))


def test_columns_in_another_form_are_left_to_the_other_way(model: ServedModel, row: dict[str, Any]) -> None:
    columns = {name: [value] for name, value in row.items()}
    assert len(model.plain.decode_columns(json.dumps({**columns, "Cover_Type": ["x", 3]}).encode())) == len(row)
    others: list[Any] = [
        {**columns, "more": [1]},
        {**columns, "Slope": [3.5]},
        {**columns, "Slope": [1, 2]},
        row,
        [],
        {},
    ]
    for other in others:
        with pytest.raises(msgspec.DecodeError):
            model.plain.decode_columns(json.dumps(other).encode())


def test_rows_in_another_form_are_left_to_the_other_way(model: ServedModel, row: dict[str, Any]) -> None:
    assert len(model.plain.decode(json.dumps({**row, "Cover_Type": 3}).encode())) == 1
    others: list[Any] = [{**row, "more": 1}, {**row, "Elevation": 3.0}, {"Elevation": 3}, [], 7, {**row, "Slope": True}]
    for other in others:
        with pytest.raises((msgspec.DecodeError, IndexError)):
            model.plain.decode(json.dumps(other).encode())[0]


def test_a_schema_with_numbers_that_float32_cannot_hold_has_no_short_way(model: ServedModel) -> None:
    assert model.plain.possible
    columns = tuple(
        replace(column, dtype="int64", maximum=2.0**40) if column.name == "Elevation" else column
        for column in SCHEMA.columns
    )
    ensemble = replace(model.ensemble, schema=replace(SCHEMA, columns=columns))
    assert not PlainRows(ensemble).possible


@pytest.mark.parametrize("name", ['the "size"', "a\\b"])
def test_a_schema_with_a_name_that_json_escapes_has_no_short_way(model: ServedModel, name: str) -> None:
    columns = (replace(SCHEMA.columns[0], name=name), *SCHEMA.columns[1:])
    for schema in (replace(SCHEMA, columns=columns), replace(SCHEMA, target=name)):
        assert not PlainRows(replace(model.ensemble, schema=schema)).possible


def test_the_other_way_says_what_is_wrong(model: ServedModel, row: dict[str, Any]) -> None:
    with pytest.raises(RefusalError, match="row 0: 9001 in column 'Elevation' is outside"):
        slow_features(model, json.dumps([{**row, "Elevation": 9001}]).encode())
