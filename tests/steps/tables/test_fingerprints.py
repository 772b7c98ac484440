from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps.core.errors import BadDataError
from steps.datasets.one_vs_rest import Options, write_datasets
from steps.io import open_source
from steps.sources.reading import Reading
from steps.tables import fingerprints
from tests.support import SCHEMA, real_rows, write_table

if TYPE_CHECKING:
    from pathlib import Path


def columns(*values: float) -> list[pa.Array]:
    return [pa.array(values), pa.array([str(value) for value in values]).dictionary_encode()]


def collected(*batches: list[pa.Array], most: int = fingerprints.MOST_ROWS) -> fingerprints.Fingerprints:
    collector = fingerprints.Collector(split_given=False, most=most)
    for batch in batches:
        collector.add(batch, len(batch[0]))
    return collector.finish("d" * 64)


def test_rows_are_recognised_in_any_order_and_layout(tmp_path: Path) -> None:
    written = collected(columns(3, 1), columns(2, 1))
    fingerprints.write_fingerprints(tmp_path / "f", written)
    found = fingerprints.read_fingerprints(tmp_path / "f")
    assert (len(found.values), found.data_sha256, found.split_given, found.complete) == (3, "d" * 64, False, True)
    hashes = fingerprints.hash_features(columns(1, 4, 2, 5), 4)
    assert found.contain(hashes).tolist() == [True, False, True, False]
    fingerprints.write_fingerprints(tmp_path / "g", collected(columns(1, 2, 3)))
    assert (tmp_path / "f").read_bytes() == (tmp_path / "g").read_bytes()


def test_no_rows() -> None:
    assert collected().contain(fingerprints.hash_features(columns(1), 1)).tolist() == [False]


def test_too_many_rows_leave_no_record(tmp_path: Path) -> None:
    fingerprints.write_fingerprints(tmp_path / "f", collected(columns(1, 2), columns(3), columns(4), most=3))
    found = fingerprints.read_fingerprints(tmp_path / "f")
    assert (len(found.values), found.complete) == (0, False)
    assert collected(columns(1, 2), columns(3), most=3).complete


def test_the_size_is_two_bytes_a_row(tmp_path: Path) -> None:
    rows = 100_000
    batch = [pa.array(np.arange(rows))]
    fingerprints.write_fingerprints(tmp_path / "f", collected(batch))
    assert (tmp_path / "f").stat().st_size < 2.3 * rows


@pytest.mark.parametrize("kind", ["text", "table", "format"])
def test_what_is_no_record(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "f"
    if kind == "text":
        path.write_text("x")
    elif kind == "table":
        pq.write_table(pa.table({"fingerprint": [1]}), path)
    else:
        metadata = {b"covertype-row-fingerprints": b'{"format": 2}'}
        pq.write_table(pa.table({"fingerprint": [1]}).replace_schema_metadata(metadata), path)
    with pytest.raises(BadDataError) as caught:
        fingerprints.read_fingerprints(path)
    assert str(path) in str(caught.value)


def test_prepare_writes_the_rows_that_are_used(tmp_path: Path) -> None:
    """Rows of a ``split`` column's test part are not fitted, and have no fingerprint."""
    table = real_rows(300)
    split = pa.array(["train", "validation", "test"] * len(table))[: len(table)]
    facts = {}
    for name, source in (("all", table), ("split", table.append_column("split", split))):
        record = tmp_path / f"{name}.record"
        path = write_table(tmp_path / f"{name}.parquet", source)
        with open_source(str(path), SCHEMA, Reading()) as opened:
            profile = write_datasets(opened, {}, Options(), record)
        facts[name] = fingerprints.read_fingerprints(record)
        assert facts[name].data_sha256 == profile["data_sha256"]
    distinct = {tuple(row.values()) for row in table.drop_columns(["Cover_Type"]).to_pylist()}
    assert len(facts["all"].values) == len(distinct)
    assert (facts["all"].split_given, facts["split"].split_given) == (False, True)
    fitted = table.filter(pa.array([value.as_py() != "test" for value in split])).drop_columns(["Cover_Type"])
    assert len(facts["split"].values) == len({tuple(row.values()) for row in fitted.to_pylist()})
    assert facts["all"].contain(facts["split"].values.astype(np.uint64) << np.uint64(32)).all()
