"""Lines that are no rows keep their places, whatever the blocks and the files around them."""

from __future__ import annotations

import gzip
import io
import random
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from steps.core.errors import BadDataError
from steps.sources import csv_file, csv_lines, files
from tests.support import FEATURES, SCHEMA, real_rows, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from steps.core.errors import BadRowError


def written(path: Path, count: int = 200) -> list[bytes]:
    return write_table(path, real_rows(count)).read_bytes().splitlines(keepends=True)


def read(path: Path) -> tuple[pa.Table, dict[tuple[int, str], str]]:
    """Return the features and what was reported, by row and column."""
    problems: dict[tuple[int, str], str] = {}

    def report(error: BadRowError, column: str) -> None:
        problems[error.row, column] = error.what

    (file,) = files.open_source(str(path), SCHEMA, labelled=False).files
    return pa.Table.from_batches(list(file.batches(FEATURES, (), report))), problems


@pytest.mark.parametrize("seed", range(6))
def test_other_rows_keep_their_positions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    random_ = random.Random(seed)
    monkeypatch.setattr(csv_file, "BLOCK_BYTES", random_.choice([700, 2000, 8 << 20]))
    path = tmp_path / "a.csv"
    head, *rows = written(path)
    good, _ = read(path)
    bad = sorted(random_.sample(range(len(rows)), random_.choice([1, 20, 150])) + [len(rows) - 1] * (seed % 2))
    for at in bad:
        rows[at] = random_.choice([b"1\n", b"x,\xff\n", rows[at][:-1] + b",,\n"])
    if seed > 3:
        rows[0] = rows[0].replace(b",", b".0,", 1)
    path.write_bytes(b"".join([head, *rows]))
    found, problems = read(path)
    keep = [at for at in range(len(rows)) if at not in bad]
    assert found.num_rows == len(rows)
    assert found.take(keep).to_pylist() == good.take(keep).to_pylist()
    assert sorted(problems) == [(at, "") for at in sorted(set(bad))]
    assert set(problems.values()) <= {"1 columns instead of 13", "2 columns instead of 13", "15 columns instead of 13"}
    assert all(set(row.values()) == {None} for row in found.take(sorted(set(bad))).to_pylist())


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_cells_that_are_not_utf8_are_null(tmp_path: Path, name: str) -> None:
    head, *rows = written(tmp_path / "a.csv")
    cells = rows[7].split(b",")
    cells[3], cells[FEATURES.index("Soil_Type")] = b"caf\xe9", b"\xff"
    rows[7] = b",".join(cells)
    data = b"".join([head, *rows])
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    found, problems = read(tmp_path / name)
    assert sorted(problems) == sorted([(7, FEATURES[3]), (7, "Soil_Type")])
    assert problems[7, "Soil_Type"] == "a cell of column 'Soil_Type' is not UTF-8 text"
    row = found.to_pylist()[7]
    assert [key for key, value in row.items() if value is None] == [FEATURES[3], "Soil_Type"]


def test_a_file_of_nothing_else(tmp_path: Path) -> None:
    head, *_ = written(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_bytes(head + b"1\n2\n")
    found, problems = read(tmp_path / "a.csv")
    assert found.num_rows == 2
    assert set(problems) == {(0, ""), (1, "")}


def test_training_ends_at_such_a_line(tmp_path: Path) -> None:
    head, *rows = written(tmp_path / "a.csv")
    for bad, message in (
        (b"1,2\n", "2 columns instead of 13, in line 3"),
        (rows[1].replace(b"C", b"\xff", 1), "not UTF-8"),
    ):
        (tmp_path / "a.csv").write_bytes(b"".join([head, rows[0], bad, *rows[2:]]))
        source = files.open_source(str(tmp_path / "a.csv"), SCHEMA)
        with pytest.raises(BadDataError, match=message):
            list(source.batches([*FEATURES, SCHEMA.target]))


@pytest.mark.parametrize("size", [3, 8 << 20])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("aé€😀".encode() * 3, True),
        (b"a\xe9,\xff\xfe b", False),
        ("é".encode()[:1], False),
        (b"\xe2\x82", False),
    ],
)
def test_bytes_that_are_not_utf8_are_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, size: int, *, expected: bool
) -> None:
    monkeypatch.setattr(csv_lines, "_BLOCK_BYTES", size)
    assert csv_lines.is_utf8(io.BytesIO(data)) is expected
    csv_lines.write_marked(io.BytesIO(data), tmp_path / "copy")
    copy = (tmp_path / "copy").read_text()
    assert copy.replace(csv_lines.MARK, "") == data.decode(errors="ignore")
    assert (csv_lines.MARK in copy) is not expected
