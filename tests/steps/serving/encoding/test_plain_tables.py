"""The fast path gives the features of the way of ``predict``, bit for bit, or leaves the table to it."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps import schema as schemas
from steps.serving.encoding.plain_tables import PlainTables
from steps.serving.formats import decoding
from steps.serving.refusals import RefusalError
from tests.steps.serving.encoding.same_bits import assert_equal

if TYPE_CHECKING:
    from steps.serving.versions import ServedModel

SCHEMA = schemas.load(schemas.BUILTIN)
NUMBERS = st.one_of(st.integers(-1, 9), st.integers(-(2**62), 2**62), st.floats(), st.none(), st.just(-0.0))
TEXTS = st.sampled_from(["Rawah", "rawah", "C7745", "", "NA", "x"]) | st.none()
TYPES = st.sampled_from(
    [pa.int8(), pa.int16(), pa.uint32(), pa.int64(), pa.uint64(), pa.float32(), pa.float64(), pa.bool_(), pa.float16()]
)
TEXT_TYPES = [
    pa.string(),
    pa.large_string(),
    pa.dictionary(pa.int8(), pa.string()),
    pa.dictionary(pa.int32(), pa.string()),
]
CELLS = st.one_of(
    st.integers(-3, 400).map(str),
    st.sampled_from(
        ["", "NA", "nan", "inf", " 7", "7 ", "3.0", "0x10", '"7"', "True", "1e2", "-0", "+5", '"a\nb"', "7,8"]
    ),
)


def plain_batch(table: pa.Table, rows: int) -> pa.RecordBatch:
    return table.slice(0, rows).combine_chunks().to_batches()[0]


def slow_features(model: ServedModel, batch: pa.RecordBatch) -> list[np.ndarray]:
    return model.ensemble.features(decoding.canonical_rows(model.schema, batch))


@settings(max_examples=60)
@given(data=st.data())
def test_both_ways_give_the_same_bits(model: ServedModel, table: pa.Table, data: st.DataObject) -> None:
    batch = plain_batch(table, data.draw(st.integers(1, 40)))
    arrays = {}
    for name in data.draw(st.permutations(batch.schema.names)):
        values = batch.column(name)
        if SCHEMA.column(name).categorical:
            arrays[name] = values.cast(pa.string()).cast(data.draw(st.sampled_from(TEXT_TYPES)))
        else:
            arrays[name] = values.cast(data.draw(st.sampled_from([pa.int16(), pa.int64(), pa.float32(), pa.float64()])))
    given_batch = pa.RecordBatch.from_pydict(arrays)
    found = model.tables.features(given_batch)
    assert found is not None
    assert_equal(found, slow_features(model, given_batch))


@settings(max_examples=200)
@given(data=st.data())
def test_a_value_that_one_way_accepts_means_the_same_in_the_other(
    model: ServedModel, table: pa.Table, data: st.DataObject
) -> None:
    batch = plain_batch(table, 3)
    name = data.draw(st.sampled_from(batch.schema.names))
    values = data.draw(st.lists(TEXTS, min_size=3, max_size=3) | st.lists(NUMBERS, min_size=3, max_size=3))
    kind = data.draw(TYPES | st.sampled_from(TEXT_TYPES))
    try:
        column = pa.array(values, kind)
    except (pa.ArrowException, TypeError, OverflowError, ValueError):
        return
    at = batch.schema.get_field_index(name)
    batch = batch.set_column(at, name, column)
    found = model.tables.features(batch)
    if found is not None:
        assert_equal(found, slow_features(model, batch))


@settings(max_examples=200)
@given(data=st.data())
def test_a_csv_cell_that_one_way_accepts_means_the_same_in_the_other(
    model: ServedModel, table: pa.Table, data: st.DataObject
) -> None:
    sink = io.BytesIO()
    style = data.draw(st.sampled_from(["needed", "none", "all_valid"]))
    pa.csv.write_csv(table.slice(0, 3), sink, pa.csv.WriteOptions(quoting_style=style))
    lines = sink.getvalue().decode().splitlines()
    cells = lines[2].split(",")
    cells[data.draw(st.integers(0, len(cells) - 1))] = data.draw(CELLS | st.sampled_from(["rawah", "Neota", "C2702"]))
    lines[2] = ",".join(cells)
    lines.insert(2, data.draw(st.sampled_from(["", lines[1], lines[1] + ",", " "])))
    body = data.draw(st.sampled_from(["\n", "\r\n"])).join(lines).encode()
    batch = model.tables.read_csv(body)
    found = None if batch is None else model.tables.features(batch)
    try:
        slow = model.ensemble.features(decoding.read_csv(model.schema, body, 100))
    except RefusalError:
        assert found is None
    else:
        if found is not None:
            assert_equal(found, slow)


def test_csv_as_tools_write_it_takes_the_short_way(model: ServedModel, table: pa.Table) -> None:
    for style in ("needed", "none", "all_valid"):
        sink = io.BytesIO()
        pa.csv.write_csv(table, sink, pa.csv.WriteOptions(quoting_style=style))
        batch = model.tables.read_csv(sink.getvalue())
        assert batch is not None
        found = model.tables.features(batch)
        assert found is not None
        assert_equal(found, slow_features(model, plain_batch(table, table.num_rows)))


def test_tables_in_another_form_are_left_to_the_other_way(model: ServedModel, table: pa.Table) -> None:
    batch = plain_batch(table, 3)
    others: list[Any] = [
        batch.slice(0, 0),
        batch.select(batch.schema.names[1:]),
        batch.append_column("more", pa.array([1, 2, 3])),
        batch.set_column(0, "Elevation", pa.array([1, None, 3])),
        batch.set_column(0, "Elevation", pa.array([1.5, 2, 3])),
        batch.set_column(0, "Elevation", pa.array([1, 2, 9001])),
        batch.set_column(0, "Elevation", pa.array(["1", "2", "3"])),
    ]
    assert all(model.tables.features(other) is None for other in others)
    assert model.tables.features(batch) is not None
    for body in (b"", b"\n", b"1,2\n", b"Elevation\n3\n", b"\xff\xfe\n1"):
        assert model.tables.read_csv(body) is None
        assert model.tables.read_arrow(body, 100) is None


@pytest.mark.parametrize("body", [b"Elevation\rAspect\n1,2\n", b"a" * 200_000 + b",b\n1,2\n"])
def test_a_header_that_python_cannot_read_is_left_to_the_other_way(model: ServedModel, body: bytes) -> None:
    assert model.tables.read_csv(body) is None


@pytest.mark.parametrize(
    ("dtype", "maximum", "number"),
    [("int32", None, np.float32(2**31)), ("int64", None, np.float64(2**63)), ("float64", 0.1, np.float32(0.1))],
)
def test_a_limit_is_exact_whatever_type_the_numbers_have(
    model: ServedModel, table: pa.Table, dtype: str, maximum: float | None, number: np.floating[Any]
) -> None:
    other = replace(SCHEMA.columns[0], dtype=dtype, minimum=None, maximum=maximum)
    ensemble = replace(model.ensemble, schema=replace(SCHEMA, columns=(other, *SCHEMA.columns[1:])))
    batch = plain_batch(table, 1).set_column(0, other.name, pa.array(np.array([number])))
    assert PlainTables(ensemble).features(batch) is None
    allowed = batch.set_column(0, other.name, pa.array(np.array([np.nextafter(number, number.dtype.type(0))])))
    assert PlainTables(ensemble).features(allowed) is not None


def test_more_batches_or_rows_are_left_to_the_other_way(model: ServedModel, table: pa.Table) -> None:
    def stream(count: int) -> bytes:
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            for _ in range(count):
                writer.write_table(table.slice(0, 3))
        return sink.getvalue()

    assert model.tables.read_arrow(stream(1), 3) is not None
    assert model.tables.read_arrow(stream(1), 2) is None
    assert model.tables.read_arrow(stream(2), 100) is None
    with pytest.raises(RefusalError):
        decoding.read_arrow(model.schema, stream(2), 2)
