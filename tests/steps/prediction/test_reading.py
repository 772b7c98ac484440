from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from steps.core.errors import BadDataError, UsageError
from steps.prediction import reading
from steps.prediction.rejects import Rejects
from steps.sources.files import open_source
from tests.support import SCHEMA, TARGET, real_rows, write_table, zero_based

if TYPE_CHECKING:
    from pathlib import Path

    from steps.sources.files import Source


def opened(path: Path, table: pa.Table) -> Source:
    return open_source(str(write_table(path, table)), SCHEMA, labelled=False)


def test_columns_to_keep_are_those_of_the_input(tmp_path: Path) -> None:
    source = opened(tmp_path / "a.csv", real_rows(70))
    assert reading.kept_columns(source, "") == ()
    assert reading.kept_columns(source, " Slope,Elevation ") == ("Slope", "Elevation")
    with pytest.raises(UsageError, match="'Slope' is there twice"):
        reading.kept_columns(source, "Slope,Slope")
    with pytest.raises(UsageError, match="no column 'x', in --keep: use columns such as Elevation"):
        reading.kept_columns(source, "x")


def test_unused_columns_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = real_rows(70)
    names = [f"n{i:02}" for i in range(12)]
    for name in names:
        table = table.append_column(name, pa.array([0] * table.num_rows))
    source = opened(tmp_path / "a.parquet", table)
    reading.log_unused_columns(source, ["n00"])
    assert capsys.readouterr().err == f"a.parquet: not used: {', '.join(names[1:11])}, ...\n"
    reading.log_unused_columns(source, names)
    assert capsys.readouterr().err == ""


def test_where_labels_start_is_found_where_there_are_any(tmp_path: Path) -> None:
    table = real_rows(70)
    assert reading.label_offset(opened(tmp_path / "a.csv", table), "auto") == 0
    assert reading.label_offset(opened(tmp_path / "b.csv", zero_based(table)), "auto") == 1
    assert reading.label_offset(opened(tmp_path / "c.csv", zero_based(table)), "zero") == 1
    assert reading.label_offset(opened(tmp_path / "d.csv", table.drop_columns([TARGET])), "auto") is None


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_column_that_occurs_twice_is_refused_if_it_is_read(tmp_path: Path, name: str) -> None:
    path, table = tmp_path / name, real_rows(70)
    for column in ("note", "more", "label"):
        table = table.append_column(column, table[TARGET])
    names = [{"more": "note", "label": TARGET}.get(column, column) for column in table.column_names]
    if name.endswith(".csv"):
        lines = write_table(path, table).read_text(encoding="utf-8").partition("\n")[2]
        path.write_text(f"{','.join(names)}\n{lines}", encoding="utf-8")
    else:
        write_table(path, table.rename_columns(names))
    source = open_source(str(path), SCHEMA, labelled=False)
    with pytest.raises(BadDataError, match=f"column '{TARGET}' occurs twice, in {name}: rename or drop one"):
        reading.label_offset(source, "auto")
    with pytest.raises(BadDataError, match=f"column 'note' occurs twice, in {name}"):
        reading.kept_columns(source, "note")


def test_positions_go_on_from_file_to_file(tmp_path: Path) -> None:
    table = real_rows(70)
    for number in range(2):
        write_table(tmp_path / f"{number}.csv", table)
    source = open_source(str(tmp_path / "*.csv"), SCHEMA, labelled=False)
    batches = list(reading.read_rows(source, [], None, Rejects(0)))
    assert [at for rows in batches for at in rows.positions] == list(range(140))
    assert all(rows.codes is None for rows in batches)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_rejected_row_is_left_out_of_all_that_is_yielded(tmp_path: Path, name: str) -> None:
    table = real_rows(70)
    slopes = table.column("Slope").to_pylist()
    slopes[5] = 9999
    table = table.set_column(table.column_names.index("Slope"), "Slope", pa.array(slopes, pa.int64()))
    rejects = Rejects(1)
    (rows,) = reading.read_rows(opened(tmp_path / name, table), ["Elevation"], 0, rejects)
    expected = [row for row in range(70) if row != 5]
    assert rows.positions.tolist() == expected
    assert rows.kept[0].to_pylist() == table.column("Elevation").take(expected).to_pylist()
    assert rows.features.num_rows == len(rows.codes) == 69  # type: ignore[arg-type]
    ((place, reason),) = rejects.reasons.items()
    assert place == (name, 5, "Slope")
    assert reason.startswith("9999 in column 'Slope' is outside")
