from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from steps.core.errors import BadDataError
from steps.schema import Column, CoverType, Schema
from steps.sources import csv_head
from steps.sources.csv_head import Head
from tests.support import FEATURES, SCHEMA, TARGET

if TYPE_CHECKING:
    from pathlib import Path

TYPES = (CoverType("a", "c0", "A"), CoverType("b", "c1", "B"))
TINY = Schema("tiny", "y", (Column("x", "int8"), Column("z", "float64")), TYPES)


def head_of(folder: Path, content: str | bytes, schema: Schema = TINY, name: str = "source.csv") -> Head:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return csv_head.read_head(path, name, schema)


@pytest.mark.parametrize("text", ["x,z,y\n1,0,a\n", "\ufeffx,z,y\n1,0,a\n", '"x", z ,"y"\r1,0,a\r', "x,z,y"])
def test_a_header(tmp_path: Path, text: str) -> None:
    assert head_of(tmp_path, text) == Head(("x", "z", "y"), 1)


def test_a_header_of_several_lines(tmp_path: Path) -> None:
    schema = Schema("tiny", "y", (Column("x\n1", "int8"),), TYPES)
    assert head_of(tmp_path, '"x\n1",y\n1,a\n', schema) == Head(("x\n1", "y"), 2)


def test_a_file_without_a_header_has_the_names_of_its_layout(tmp_path: Path) -> None:
    assert head_of(tmp_path, "1,0,a\n") == Head(("x", "z", "y"), 0)
    with pytest.raises(BadDataError, match="2 columns without a header, where 3 are expected, in source"):
        head_of(tmp_path, "1,0\n")


def test_a_gzipped_file(tmp_path: Path) -> None:
    data = gzip.compress(b"x,z,y\n1,0,a\n")
    assert head_of(tmp_path, data, name="source.csv.gz") == Head(("x", "z", "y"), 1)
    for damaged in (data[:-9], data[:12] + bytes(10), b"x,z,y\n"):
        with pytest.raises(BadDataError, match="not a complete gzip file"):
            head_of(tmp_path, damaged, name="source.csv.gz")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x1f\x8b\x08", "this is a gzip file, in source.csv: name it .csv.gz"),
        (b"PAR1", "this is a parquet file"),
        (b"PK\x03\x04", "this is a zip file or an Excel workbook"),
        (b"<!DOCTYPE HTML>", "this is a web page"),
        (b"version https://git-lfs", "this is a pointer of Git LFS"),
        ("x,z,y\n".encode("utf-16"), "this is UTF-16 text, UTF-8 is needed"),
        (b"x,caf\xe9,y\n1,0,a\n", "the first line is not UTF-8 text"),
        ("x,z\0,y\n", "there is a NUL byte in the first line"),
        ("\nx,z,y\n", "the first line is empty"),
        ("sep=;\nx;z;y\n", "the first line is 'sep=;', which only Excel understands"),
        ("# made by hand\nx,z,y\n", "the first line is a comment"),
        ("x;z;y\n1;0,5;a\n", "columns are separated by ';'.*: .* write numbers with a decimal point"),
        ("x\tz\ty\n1\t0\ta\n", "columns are separated by tabs"),
        ("1|0|a\n", "columns are separated by '\\|'"),
    ],
)
def test_another_kind_of_file_is_named(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(BadDataError, match=message) as caught:
        head_of(tmp_path, content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ['"' + "n" * 140_000 + '",z,y\n1,0,a\n', "n" * 140_000, "n" * 140_000 + "\r1,0,a\r"])
def test_a_first_cell_without_end_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(
        BadDataError, match=r"the first line has a cell of more than 131,072 characters, in source\.csv"
    ):
        head_of(tmp_path, text)


def test_a_header_longer_than_what_is_read_at_first(tmp_path: Path) -> None:
    columns = tuple(Column(f"a rather long name of column {i}", "int8") for i in range(5000))
    schema = Schema("wide", "y", columns, (CoverType("a", "c0", "A"), CoverType("b", "c1", "B")))
    names = (*(column.name for column in columns), "y")
    assert head_of(tmp_path, ",".join(names) + "\n" + "1," * 5000 + "a\n", schema) == Head(names, 1)


@pytest.mark.parametrize("first", ["2019", "1e5", "nan", "inf"])
def test_a_column_named_like_a_number_is_a_header(tmp_path: Path, first: str) -> None:
    schema = Schema("years", "y", (Column(first, "int8"),), TYPES)
    assert head_of(tmp_path, f"{first},y\n1,a\n2,b\n", schema) == Head((first, "y"), 1)
    assert head_of(tmp_path, "1,a\n2,b\n", schema) == Head((first, "y"), 0)


def test_the_builtin_schema(tmp_path: Path) -> None:
    names = (*FEATURES, TARGET)
    assert head_of(tmp_path, ",".join(names) + "\n", SCHEMA) == Head(names, 1)
