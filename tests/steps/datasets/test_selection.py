"""Which rows of a source are used, and why the others are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from steps.datasets import ingest
from steps.datasets.duplicates import mask_first_occurrences
from steps.datasets.sampling import Sample
from steps.datasets.selection import Selection
from steps.options.prepare import OnMissing
from steps.sources import files
from tests.support import SCHEMA, real_rows, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from steps.datasets.ingest import Batch


ROWS = 21


@pytest.fixture
def batches(tmp_path: Path) -> list[Batch]:
    """Rows that all occur twice; two of them have a missing value."""
    rows = real_rows(ROWS)
    slopes = [None if i in {3, 7} else value for i, value in enumerate(rows.column("Slope").to_pylist())]
    place = rows.column_names.index("Slope")
    holed = rows.set_column(place, "Slope", pa.array(slopes, rows.column("Slope").type))
    path = write_table(tmp_path / "twice.parquet", pa.concat_tables([holed, holed]))
    return list(ingest.read_batches(files.open_source(str(path), SCHEMA), 0))


def test_each_dropped_row_is_counted_by_its_reason(batches: list[Batch]) -> None:
    selection = Selection(OnMissing.DROP, mask_first_occurrences(batch.row_hashes() for batch in batches))
    selection.sample = Sample(10, len(SCHEMA.cover_types))
    for batch in batches:
        selection.sample.add(batch.first_row, batch.codes, selection.unique_rows(batch))
    dropped = {"missing": 0, "duplicates": 0, "not_in_sample": 0}
    used = np.concatenate([selection.mask(batch, dropped) for batch in batches])
    assert dropped == {"missing": 4, "duplicates": ROWS - 2, "not_in_sample": ROWS - 2 - 10}
    assert used.sum() == 10
    assert not used[ROWS:].any()


def test_without_conditions_all_rows_are_used(batches: list[Batch]) -> None:
    dropped = {"missing": 0, "duplicates": 0, "not_in_sample": 0}
    selection = Selection(OnMissing.KEEP)
    assert all(selection.mask(batch, dropped).all() for batch in batches)
    assert set(dropped.values()) == {0}
