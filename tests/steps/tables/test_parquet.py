from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps import tables
from steps.core.errors import BadDataError, NoInputError
from steps.tables import parquet
from tests.support import SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = pa.schema([("row", pa.int64()), ("score", pa.float32())])
METADATA = tables.Metadata(SCHEMA, "aspen", "0" * 64, ("Slope", "made"))


def batch_of(start: int, count: int) -> pa.RecordBatch:
    rows = list(range(start, start + count))
    return pa.RecordBatch.from_pydict({"row": rows, "score": rows}, schema=FIELDS)


def write(path: Path, metadata: tables.Metadata | None = METADATA) -> Path:
    with tables.open_writer(path, FIELDS, metadata) as writer:
        for start, count in ((0, 10), (10, 0), (10, 5)):
            writer.write(batch_of(start, count))
        assert writer.rows == 15
    return path


def test_round_trip(tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet")
    assert tables.read_metadata(path) == METADATA
    assert tables.count_rows(path) == 15
    assert tables.read_table(path, ["row"]).column("row").to_pylist() == list(range(15))
    batches = list(tables.read_batches(path, ["score"], rows=4))
    assert max(batch.num_rows for batch in batches) == 4
    assert [score for batch in batches for score in batch.column("score").to_pylist()] == list(range(15))
    assert batches[0].schema.names == ["score"]


@pytest.mark.parametrize(
    ("batches", "groups"),
    [
        ([10, 5], [15]),
        ([40, 40, 0, 40], [100, 20]),
        ([100, 100, 30], [100, 100, 30]),
        ([250], [250]),
        ([90, 250, 1], [100, 100, 100, 41]),
    ],
)
def test_small_batches_share_row_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batches: list[int], groups: list[int]
) -> None:
    monkeypatch.setattr(parquet, "BATCH_ROWS", 100)
    path, start = tmp_path / "x.parquet", 0
    with tables.open_writer(path, FIELDS, METADATA) as writer:
        for count in batches:
            writer.write(batch_of(start, count))
            start += count
            assert writer.rows == start
    found = pq.read_metadata(path)
    assert [found.row_group(i).num_rows for i in range(found.num_row_groups)] == groups
    assert tables.read_table(path, ["row"]).column("row").to_pylist() == list(range(start))


def test_metadata_may_come_late(tmp_path: Path) -> None:
    with tables.open_writer(tmp_path / "x.parquet", FIELDS) as writer:
        writer.write(batch_of(0, 3))
        writer.metadata = METADATA
    assert tables.read_metadata(tmp_path / "x.parquet") == METADATA


def test_an_empty_table_is_a_table(tmp_path: Path) -> None:
    with tables.open_writer(tmp_path / "x.parquet", FIELDS, METADATA):
        pass
    assert tables.count_rows(tmp_path / "x.parquet") == 0
    assert pq.read_schema(tmp_path / "x.parquet").names == FIELDS.names


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with tables.open_writer(tmp_path / "x.parquet", FIELDS) as writer:
            writer.write(batch_of(0, 3))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not list(tmp_path.iterdir())


def test_what_is_no_table_of_ours(tmp_path: Path) -> None:
    with pytest.raises(BadDataError, match="not a table of this pipeline"):
        tables.read_metadata(write(tmp_path / "x.parquet", None))
    with pytest.raises(NoInputError, match="no such file"):
        tables.read_metadata(tmp_path / "y.parquet")
    (tmp_path / "z.parquet").write_text("PAR1 is not enough PAR1")
    with pytest.raises(BadDataError, match="not a complete parquet file"):
        tables.read_metadata(tmp_path / "z.parquet")
