from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.core.errors import BadDataError
from steps.sources import staging

if TYPE_CHECKING:
    from pathlib import Path


@given(st.lists(st.integers(0, 12), max_size=12), st.integers(1, 7))
def test_batches_get_the_same_number_of_rows(sizes: list[int], rows: int) -> None:
    numbers = iter(range(sum(sizes)))
    batches = [pa.record_batch({"n": pa.array([next(numbers) for _ in range(size)], pa.int64())}) for size in sizes]
    found = list(staging.rebatch(batches, rows))
    assert [value for batch in found for value in batch.column("n").to_pylist()] == list(range(sum(sizes)))
    assert all(batch.num_rows == rows for batch in found[:-1])
    assert all(0 < batch.num_rows <= rows for batch in found[-1:])


def test_a_staged_file_does_not_depend_on_how_rows_arrived(tmp_path: Path) -> None:
    table = pa.table({"n": pa.array(range(1000), pa.int64()), "t": [str(i) for i in range(1000)]})
    described = table.replace_schema_metadata({"note": "of a service"})
    staging.write_staged(table.to_batches(max_chunksize=7), tmp_path / "a", "a")
    staging.write_staged(described.to_batches(max_chunksize=400), tmp_path / "b", "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert pq.read_table(tmp_path / "a").equals(table)


@pytest.mark.parametrize("kind", [pa.decimal128(38, 9), pa.decimal256(76, 38)], ids=str)
def test_decimals_are_their_nearest_float(tmp_path: Path, kind: pa.DataType) -> None:
    """Arrow's own conversion makes 2010.9999999999998 of 2011."""
    values = [*map(float, range(3000)), -0.125, 0.1, None]
    staging.write_staged([pa.record_batch({"x": pa.array(values).cast(pa.string()).cast(kind)})], tmp_path / "a", "a")
    assert pq.read_table(tmp_path / "a").column("x").to_pylist() == values


def test_a_source_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDataError, match="there is no row, in a query: check the table or the query"):
        staging.write_staged([], tmp_path / "a", "a query")
    assert list(tmp_path.iterdir()) == []
