from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.tables import hashing

# The first outputs of Vigna's splitmix64.c for the seed 1234567.
PUBLISHED = [
    6457827717110365317,
    3203168211198807973,
    9817491932198370423,
    4593380528125082431,
    16408922859458223821,
]
WORDS = st.text(max_size=5)


def hash_of(*columns: pa.Array, seed: int = 0) -> list[int]:
    hashed: list[int] = hashing.hash_rows(columns, len(columns[0]), seed).tolist()
    return hashed


def test_splitmix64_gives_the_published_sequence() -> None:
    gamma = 0x9E3779B97F4A7C15
    states = np.array([(1234567 + i * gamma) % 2**64 for i in range(5)], np.uint64)
    assert hashing.splitmix64(states).tolist() == PUBLISHED


def test_splitmix64_leaves_its_argument_alone() -> None:
    states = np.array([1, 2], np.uint64)
    hashing.splitmix64(states)
    assert states.tolist() == [1, 2]


def test_the_hash_never_changes() -> None:
    # A changed number here is another split of everybody's data: it needs another hashing.NAME.
    columns = [pa.array([1, -7], pa.int16()), pa.array(["Rawah", None]).dictionary_encode(), pa.array([0.5, -0.0])]
    assert hashing.NAME == "splitmix64-row-v1"
    assert hash_of(*columns, seed=3) == [4484200991803150418, 4880324077844990266]


@given(st.lists(st.integers(-128, 127) | st.none(), min_size=1))
def test_integer_width_does_not_matter(values: list[int | None]) -> None:
    hashes = [hash_of(pa.array(values, kind)) for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64())]
    assert all(each == hashes[0] for each in hashes)


@given(st.lists(WORDS | st.none(), min_size=1))
def test_dictionary_encoding_does_not_matter(values: list[str | None]) -> None:
    plain = pa.array(values, pa.string())
    other = pa.array(["first", *values[::-1]], pa.string()).dictionary_encode()
    turned = pa.DictionaryArray.from_arrays(other.indices[1:], other.dictionary).take(
        pa.array(range(len(values)))[::-1]
    )
    assert hash_of(plain) == hash_of(plain.dictionary_encode()) == hash_of(plain.cast(pa.large_string()))
    assert hash_of(plain) == hash_of(turned)


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1))
def test_float_width_does_not_matter(values: list[float]) -> None:
    assert hash_of(pa.array(values, pa.float32())) == hash_of(pa.array(values, pa.float64()))


@given(st.lists(st.tuples(st.integers(0, 3), WORDS), min_size=2), st.data())
def test_batches_do_not_matter(rows: list[tuple[int, str]], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(rows)))
    columns = [pa.array([row[0] for row in rows]), pa.array([row[1] for row in rows])]
    parts = [hash_of(*(c[:cut] for c in columns)), hash_of(*(c[cut:] for c in columns))]
    assert parts[0] + parts[1] == hash_of(*columns)


@pytest.mark.parametrize(
    ("values", "kind"),
    [([0, None], pa.int16()), ([0.0, None], pa.float64()), (["", None], pa.string()), (["null ", None], pa.string())],
)
def test_a_null_is_a_value_of_its_own(values: list[Any], kind: pa.DataType) -> None:
    first, second = hash_of(pa.array(values, kind))
    assert first != second


def test_a_column_of_nulls_alone_can_be_hashed() -> None:
    nulls = pa.array([None, None], pa.string())
    assert len(set(hash_of(nulls) + hash_of(nulls.dictionary_encode()))) == 1


def test_negative_zero_is_zero() -> None:
    first, second = hash_of(pa.array([0.0, -0.0]))
    assert first == second


def test_order_of_columns_and_seed_matter() -> None:
    a, b = pa.array([1]), pa.array([2])
    assert len({*hash_of(a, b), *hash_of(b, a), *hash_of(a, b, seed=1)}) == 3


def test_positions_hash_alike_wherever_a_batch_starts() -> None:
    assert hashing.hash_positions(0, 10, 5)[4:].tolist() == hashing.hash_positions(4, 6, 5).tolist()
    assert len(set(hashing.hash_positions(0, 10_000, 5).tolist())) == 10_000


def test_fractions_are_below_one_and_even() -> None:
    ends = hashing.to_fractions(np.array([0, 2**64 - 1], np.uint64))
    assert ends[0] == 0
    assert ends[1] < 1
    fractions = hashing.to_fractions(hashing.hash_rows([pa.array(range(100_000))], 100_000, 0))
    counts = np.histogram(fractions, bins=10, range=(0, 1))[0]
    assert np.max(abs(counts / 100_000 - 0.1)) < 0.005
