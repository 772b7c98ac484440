from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from steps.core.errors import BadDataError
from steps.io import open_source
from steps.reference.fitted_rows import FittedRows
from steps.reference.rows import Counts, LabelledRows, read_labelled_rows, require_labels
from steps.sources.reading import Reading
from steps.tables import fingerprints
from tests.support import SCHEMA, real_rows, with_missing, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from steps.sources.files import Source

TABLE = real_rows(70)
TARGET = SCHEMA.target


def opened(path: Path) -> Source:
    with open_source(str(path), SCHEMA, Reading(), labelled=False) as source:
        return source


def read(source: Source, counts: Counts, fitted: list[FittedRows | None]) -> LabelledRows:
    (rows,) = read_labelled_rows(source, require_labels(source), fitted, counts)
    return rows


def test_rows_without_a_label_and_fitted_rows_are_left_out(tmp_path: Path) -> None:
    """The two formats give the same rows; the fitted rows of the two versions overlap."""
    table = with_missing(TABLE, [(2, TARGET), (5, TARGET), (6, "Slope")])
    for name in ("t.parquet", "t.csv"):
        source = opened(write_table(tmp_path / name, table))
        counts = Counts([0, 0, 0])
        everything = read(source, counts, [None, None, None])
        assert (counts.rows, counts.without_label, counts.left_out, counts.fitted) == (len(table), 2, 0, [0, 0, 0])
        assert everything.facts.positions.tolist() == [at for at in range(len(table)) if at not in {2, 5}]
        fitted: list[FittedRows | None] = [fitted_on(everything, {0, 1}), None, fitted_on(everything, {1, 3})]
        counts = Counts([0, 0, 0])
        rows = read(source, counts, fitted)
        assert (counts.left_out, counts.fitted) == (3, [2, 0, 2])
        assert rows.facts.positions[:3].tolist() == [3, 6, 7]  # position 4 is the fourth row with a label
        assert rows.features.num_rows == len(rows.facts.codes) == len(rows.facts.hashes) == len(table) - 5
        labels = [int(each) for each in table.column(TARGET).take(pa.array(rows.facts.positions)).to_pylist()]
        assert [SCHEMA.cover_types[code].label for code in rows.facts.codes] == labels
        assert {len(part) for part in rows.facts.parts} == {len(labels)}
        assert len(rows.facts.parts) > 1


def fitted_on(rows: LabelledRows, chosen: set[int]) -> FittedRows:
    collector = fingerprints.Collector(split_given=True)
    batch = rows.features.take(pa.array(sorted(chosen)))
    collector.add(batch.columns, batch.num_rows)
    return FittedRows(collector.finish("d"), ())


def test_an_unusable_value_is_an_error(tmp_path: Path) -> None:
    values = np.array(TABLE.column("Elevation").to_pylist())
    values[4] = 30_000
    at = TABLE.column_names.index("Elevation")
    source = opened(write_table(tmp_path / "t.parquet", TABLE.set_column(at, "Elevation", pa.array(values))))
    with pytest.raises(BadDataError, match=r"Elevation.*row 4 of t\.parquet: correct the reference table") as caught:
        read(source, Counts([]), [])
    assert "max-rejects" not in str(caught.value)


@pytest.mark.parametrize(
    ("keep", "message"), [("none", "has no labels"), ("middle", "give a table with rows of every cover type")]
)
def test_tables_without_labels(tmp_path: Path, keep: str, message: str) -> None:
    table = TABLE.drop_columns([TARGET])
    if keep == "middle":
        table = TABLE.filter(pa.array([1 < label < 7 for label in TABLE.column(TARGET).to_pylist()]))
    with pytest.raises(BadDataError, match=message):
        require_labels(opened(write_table(tmp_path / "t.parquet", table)))
