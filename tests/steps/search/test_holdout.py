from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps import tables
from steps.core.errors import BadDataError
from steps.models import matrix
from steps.search import holdout

if TYPE_CHECKING:
    from tests.support import Chain

HASHED = st.lists(
    st.tuples(st.integers(0, 2**64 - 1), st.booleans()), min_size=1, max_size=40, unique_by=lambda row: row[0]
)


@given(HASHED)
def test_half_of_the_rows_of_each_label_choose(rows: list[tuple[int, bool]]) -> None:
    hashes = np.array([value for value, _ in rows], np.uint64)
    labels = np.array([label for _, label in rows], np.uint8)
    chosen = holdout.mask_lower_half(hashes, labels)
    for label in (0, 1):
        count = int((labels == label).sum())
        assert chosen[labels == label].sum() == (count + 1) // 2


def test_equal_rows_are_in_one_half() -> None:
    hashes = np.array([5, 5, 5, 5, 9], np.uint64)
    assert holdout.mask_lower_half(hashes, np.ones(5, np.uint8)).tolist() == [True, True, True, True, False]


def test_the_halves_of_a_table_follow_its_rows_and_the_seed(chain: Chain) -> None:
    path = chain["validation_features"]
    halves = holdout.read_halves(path, 0)
    labels = matrix.quantise(path, max_bin=256, threads=1).get_label()
    np.testing.assert_array_equal(halves.labels, labels)
    again, other = holdout.read_halves(path, 0), holdout.read_halves(path, 1)
    np.testing.assert_array_equal(again.selection, halves.selection)
    assert (other.selection != halves.selection).any()
    parts = halves.parts(halves.labels)
    assert len(parts.selection) + len(parts.held_out) == len(labels)
    assert parts.selection.mean() == pytest.approx(parts.held_out.mean(), abs=0.02)


def test_validation_rows_of_one_kind_are_said_so(own_chain: Chain) -> None:
    path = own_chain["validation_features"]
    with tables.open_parquet(path) as file:
        rows = file.read()
    at = rows.column_names.index(tables.LABEL)
    zeros = pa.array(np.zeros(rows.num_rows), rows.schema.field(at).type)
    metadata = tables.read_metadata(path)
    with tables.open_writer(path, rows.schema, metadata) as out:
        for batch in rows.set_column(at, rows.schema.field(at), zeros).to_batches():
            out.write(batch)
    with pytest.raises(BadDataError, match="the validation rows are all of one class"):
        holdout.read_halves(path, 0)
