from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps import schema as schemas
from steps.core.errors import BadDataError
from steps.serving.formats import decoding
from steps.serving.schema_changes import find_changes

if TYPE_CHECKING:
    from steps.schema import Column, Schema

BEFORE = schemas.load(schemas.BUILTIN)


def with_column(name: str, **changes: Any) -> Schema:
    columns = [replace(column, **changes) if column.name == name else column for column in BEFORE.columns]
    return replace(BEFORE, columns=tuple(columns))


SOILS = BEFORE.column("Soil_Type").values
BREAKING = {
    "column 'Slope' accepts 0 to 60 instead of 0 to 90": with_column("Slope", maximum=60),
    "column 'Slope' has categories instead of numbers": with_column("Slope", dtype="category", values=("1", "2")),
    "column 'Soil_Type' has numbers instead of categories": with_column("Soil_Type", dtype="int16", values=()),
    f"column 'Soil_Type' has no longer the category '{SOILS[0]}'": with_column("Soil_Type", values=SOILS[1:]),
    "column 'Soil_Type' has its categories in another order": with_column("Soil_Type", values=SOILS[::-1]),
    "the model is named 'other' instead of 'covertype'": replace(BEFORE, name="other"),
    "column 'Depth' is added": replace(BEFORE, columns=(*BEFORE.columns, replace(BEFORE.columns[0], name="Depth"))),
}
OTHERS = {
    "column 'Slope' accepts more values": with_column("Slope", maximum=91),
    "column 'Aspect' accepts more values": with_column("Aspect", dtype="float32"),
    "column 'Soil_Type' accepts more values": with_column("Soil_Type", values=(*SOILS, "new")),
    f"column '{BEFORE.columns[0].name}' is removed": replace(BEFORE, columns=BEFORE.columns[1:]),
}


@pytest.mark.parametrize("clause", BREAKING)
def test_a_change_that_clients_notice_is_named(clause: str) -> None:
    changes = find_changes(BEFORE, BREAKING[clause])
    assert (changes.breaking, changes.others) == ([clause], [])
    with pytest.raises(BadDataError, match=f"clients must send other columns: {clause}, in version v2: change"):
        changes.require_compatible("v2")


@pytest.mark.parametrize("clause", OTHERS)
def test_a_change_that_refuses_no_request_is_no_error(clause: str) -> None:
    changes = find_changes(BEFORE, OTHERS[clause])
    assert (changes.breaking, changes.others) == ([], [clause])
    changes.require_compatible("v2")


def test_whole_numbers_instead_of_fractions_are_noticed() -> None:
    changes = find_changes(with_column("Slope", dtype="float32"), BEFORE)
    assert changes.breaking == ["column 'Slope' has whole numbers only"]


def test_what_no_request_depends_on_is_no_change() -> None:
    after = replace(with_column("Slope", unit="furlongs"), columns=BEFORE.columns[::-1])
    assert find_changes(BEFORE, after).every == []


def columns_of(column: Column) -> st.SearchStrategy[Column]:
    """Draw a column with the same name."""
    if column.categorical:
        return st.permutations(column.values[:4]).map(lambda values: replace(column, values=tuple(values)))
    limits = st.tuples(st.integers(0, 20), st.integers(20, 40))
    return st.builds(
        lambda pair, dtype: replace(column, minimum=pair[0], maximum=pair[1], dtype=dtype),
        limits,
        st.sampled_from(["int16", "float32"]),
    )


SCHEMAS = st.tuples(*map(columns_of, BEFORE.columns)).flatmap(
    lambda columns: st.integers(1, len(columns)).map(lambda count: replace(BEFORE, columns=columns[:count]))
)


@given(before=SCHEMAS, after=SCHEMAS, data=st.data())
def test_a_row_that_was_accepted_is_accepted_after_a_compatible_change(
    before: Schema, after: Schema, data: st.DataObject
) -> None:
    def value_of(column: Column) -> Any:
        if column.categorical:
            return data.draw(st.sampled_from([*column.values, None]))
        low, high = int(column.minimum or 0), int(column.maximum or 0)
        whole = st.none() | st.integers(low, high)
        return data.draw(whole if column.dtype == "int16" else whole | st.floats(low, high))

    row = {column.name: value_of(column) for column in before.columns}
    decoding.canonical_rows(before, batch_of(row))
    if not find_changes(before, after).breaking:
        decoding.canonical_rows(after, batch_of(row))


def batch_of(row: dict[str, Any]) -> Any:
    import pyarrow as pa

    return pa.RecordBatch.from_pylist([row])
