from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from steps.core.errors import BadDataError
from steps.datasets import ingest
from steps.schema import Column, CoverType, Schema
from steps.sources import files
from steps.tables import labels

if TYPE_CHECKING:
    from pathlib import Path

TYPES = (CoverType(1, "one", "One"), CoverType(2, "two", "Two"))
TINY = Schema("tiny", "y", (Column("x", "int8"), Column("c", "category", values=("red", "green"))), TYPES)


def batches_of(folder: Path, *texts: str, offset: int = 0) -> list[ingest.Batch]:
    for number, text in enumerate(texts):
        (folder / f"part-{number}.csv").write_text("x,c,y,split\n" + text)
    return list(ingest.read_batches(files.open_source(str(folder / "part-*"), TINY), offset))


def test_rows_of_several_files(tmp_path: Path) -> None:
    first, second = batches_of(tmp_path, "1,red,1,train\n,green,2,test\n", "3,green,,train\n4,red,2,validation\n")
    assert [(batch.first_row, batch.file, batch.first_in_file) for batch in (first, second)] == [
        (0, "part-0.csv", 0),
        (2, "part-1.csv", 0),
    ]
    assert first.arrays[0].equals(pa.array([1, None], pa.int8()))
    assert second.arrays[1].to_pylist() == ["green", "red"]
    assert (first.codes.tolist(), second.codes.tolist()) == ([0, 1], [labels.MISSING, 1])
    assert second.split is not None
    assert second.split.to_pylist() == [0, 1]


def test_a_row_is_complete_if_features_and_label_are_there(tmp_path: Path) -> None:
    (batch,) = batches_of(tmp_path, "1,red,1,train\n,green,2,test\n3,NA,1,train\n4,red,,train\n")
    assert batch.complete_rows().tolist() == [True, False, False, False]


def test_labels_with_an_offset(tmp_path: Path) -> None:
    (batch,) = batches_of(tmp_path, "1,red,0,train\n2,red,1,train\n", offset=1)
    assert batch.codes.tolist() == [0, 1]
    with pytest.raises(BadDataError, match=r"label 0 .* in row 0 of part-0\.csv"):
        batches_of(tmp_path, "1,red,0,train\n")


def test_the_hash_of_a_row_depends_on_features_and_label(tmp_path: Path) -> None:
    (batch,) = batches_of(tmp_path, "1,red,1,train\n1,red,1,test\n1,red,2,train\n2,red,1,train\n,red,1,train\n")
    hashes = batch.row_hashes()
    assert hashes[0] == hashes[1]
    assert len(np.unique(hashes)) == 4
