from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from steps.drift.counting import Counter
from steps.drift.findings import measure
from steps.drift.reference import from_profile
from tests.steps.drift.tables import SCHEMA, labels_of, profile_of, rows

REFERENCE = from_profile(profile_of(rows(3000)), SCHEMA)
assert REFERENCE is not None


def counted(table: pa.RecordBatch, cuts: list[int]) -> Counter:
    counter = Counter(REFERENCE)  # type: ignore[arg-type]
    labels = labels_of(table.num_rows)
    ends = sorted({0, *(min(cut, table.num_rows) for cut in cuts), table.num_rows})
    for start, end in pairwise(ends):
        counter.add(table.slice(start, end - start), labels[start:end])
    return counter


@given(st.lists(st.integers(0, 900), max_size=6), st.integers(0, 5))
def test_neither_batches_nor_order_matter(cuts: list[int], seed: int) -> None:
    table = rows(900, 7)
    whole = measure(counted(table, []))
    assert measure(counted(table, cuts)) == whole
    order = np.random.default_rng(seed).permutation(900)
    shuffled = Counter(REFERENCE)  # type: ignore[arg-type]
    shuffled.add(table.take(pa.array(order)), labels_of(900)[order])
    assert measure(shuffled) == whole


def test_the_training_rows_are_counted_as_in_their_profile() -> None:
    counter = counted(rows(3000), [1000])
    for name, column in REFERENCE.columns.items():  # type: ignore[union-attr]
        assert counter.counts[name][: len(column.counts)].tolist() == column.counts.tolist()
        assert counter.missing[name] == column.missing


def test_values_above_and_below_all_are_counted() -> None:
    table = rows(400)
    far = table.set_column(1, "size", pa.array([1e9, -1e9] * 200, pa.float32()))
    counts = counted(far, []).counts["size"]
    assert (counts[0], counts[-1]) == (200, 200)
