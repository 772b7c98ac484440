from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from steps.comparison.reference import VersionFiles
from steps.datasets.splitting import assign_parts
from steps.reference.fitted_rows import FittedRows, find_splits, read_fitted_rows
from steps.tables import fingerprints

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 2000
OPTIONS = {"seed": "3", "train-fraction": "0.64", "validation-fraction": "0.16", "test-fraction": "0.2"}


def columns(first: int) -> list[pa.Array]:
    return [pa.array(np.arange(first, first + ROWS))]


def record(*, split_given: bool = False, most: int = ROWS) -> fingerprints.Fingerprints:
    collector = fingerprints.Collector(split_given=split_given, most=most)
    collector.add(columns(0), ROWS)
    return collector.finish("d")


def found(fitted: FittedRows, first: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    rows = columns(first)
    return fitted.find(rows, fingerprints.hash_features(rows, ROWS))


def test_test_rows_of_the_split_are_not_fitted() -> None:
    fitted = FittedRows(record(), find_splits({"aspen-split": OPTIONS}))
    parts = assign_parts(columns(0), ROWS, 3, (0.64, 0.16, 0.2))
    assert (found(fitted, 0) == (parts != 2)).all()
    assert 300 < (parts == 2).sum() < 500
    assert not found(fitted, ROWS).any()


def test_a_row_is_a_test_row_only_if_every_split_says_so() -> None:
    splits = find_splits(
        {"aspen-split": OPTIONS, "krummholz-split": {**OPTIONS, "seed": "4"}, "prepare": {"rows": "0"}}
    )
    assert [split.seed for split in splits] == [3, 4]
    assert 30 < (~found(FittedRows(record(), splits), 0)).sum() < 150  # a fifth of a fifth
    assert len(find_splits({"aspen-split": OPTIONS, "krummholz-split": OPTIONS})) == 1


@pytest.mark.parametrize("split_given", [True, False])
def test_without_a_known_split_every_row_of_the_record_is_fitted(split_given: bool) -> None:  # noqa: FBT001
    splits = find_splits({"aspen-split": OPTIONS}) if split_given else ()
    assert found(FittedRows(record(split_given=split_given), splits), 0).all()


def test_versions_without_a_record(tmp_path: Path) -> None:
    path = tmp_path / "record"
    version = VersionFiles("a", tmp_path, path, {"aspen-split": OPTIONS})
    fingerprints.write_fingerprints(path, record())
    fitted = read_fitted_rows(version)
    assert fitted
    assert len(fitted.splits) == 1
    fingerprints.write_fingerprints(path, record(most=1))  # too many rows
    assert read_fitted_rows(version) is None
    assert read_fitted_rows(VersionFiles("a", tmp_path, None, {})) is None
