"""The same rows, in every accepted shape and file format, give the same datasets and the same digest."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from steps.core import storage
from steps.core.errors import BadConfigurationError, BadDataError, NoInputError, UsageError
from steps.sources import csv_file, files
from steps.sources.csv_head import Head
from tests.support import (
    FEATURES,
    SCHEMA,
    TARGET,
    csv_bytes,
    decoded,
    one_hot,
    prepared,
    real_rows,
    same_values,
    write_table,
    zero_based,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = real_rows(350)
Made = tuple[str, "Path"]


@pytest.fixture(scope="module")
def canonical(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("canonical")
    profile, _ = prepared(write_table(folder / "source.parquet", ROWS), folder / "out")
    return profile["data_sha256"], folder / "out"


def assert_same(source: Path | str, folder: Path, canonical: Made, shape: str = "canonical") -> None:
    profile, _ = prepared(source, folder / "out")
    assert profile["data_sha256"] == canonical[0]
    assert profile["shape"] == shape
    assert same_values(folder / "out", canonical[1])


TEXT_ENDINGS = (".csv", ".CSV", ".csv.gz", ".CSV.GZ", ".data", ".data.gz")
FILES = [(ending, header) for ending in TEXT_ENDINGS for header in (True, False)] + [
    (".parquet", True),
    (".PARQUET", True),
]


@pytest.mark.parametrize(("ending", "header"), FILES)
@pytest.mark.parametrize("labels", ["one", "zero"])
@pytest.mark.parametrize("shape", ["canonical", "one-hot"])
def test_shapes_and_formats(  # noqa: PLR0913 - one argument a way in which files differ
    tmp_path: Path, canonical: Made, ending: str, labels: str, shape: str, *, header: bool
) -> None:
    table = zero_based(ROWS) if labels == "zero" else ROWS
    table = one_hot(table) if shape == "one-hot" else table
    source = write_table(tmp_path / f"source{ending}", table, header=header)
    assert_same(source, tmp_path, canonical, shape)


def test_uci_file_has_55_columns(tmp_path: Path) -> None:
    source = write_table(tmp_path / "covtype.data", one_hot(ROWS), header=False)
    opened = files.open_source(str(source), SCHEMA)
    (file,) = opened.files
    assert len(file.names) == 55
    assert file.names[-1] == TARGET
    assert (file.names[10], file.names[14]) == ("Wilderness_Area_0", "Soil_Type_0")
    assert file.head == Head(file.names, lines=0)


@pytest.mark.parametrize("turn", [lambda names: names[::-1], sorted])
def test_order_of_columns_does_not_matter(
    tmp_path: Path, canonical: Made, turn: Callable[[list[str]], list[str]]
) -> None:
    for i, table in enumerate((ROWS, one_hot(ROWS))):
        source = write_table(tmp_path / f"{i}.csv", table.select(turn(table.column_names)))
        assert_same(source, tmp_path / str(i), canonical, ("canonical", "one-hot")[i])


ALL_TYPES = [pa.int32(), pa.int64(), pa.uint16(), pa.float32(), pa.float64()]


@pytest.mark.parametrize("kind", ALL_TYPES, ids=str)
def test_width_of_parquet_numbers_does_not_matter(tmp_path: Path, canonical: Made, kind: pa.DataType) -> None:
    table = ROWS
    for name in [*FEATURES[:10], TARGET]:
        if name == "Vertical_Distance_To_Hydrology" and kind == pa.uint16():
            continue  # has negative values
        table = table.set_column(table.column_names.index(name), name, pc.cast(table.column(name), kind))
    assert_same(write_table(tmp_path / "source.parquet", table), tmp_path, canonical)


TEXTS = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.dictionary(pa.int32(), pa.string()),
    pa.dictionary(pa.int8(), pa.large_string()),
]


@pytest.mark.parametrize("kind", TEXTS, ids=str)
def test_encoding_of_parquet_strings_does_not_matter(tmp_path: Path, canonical: Made, kind: pa.DataType) -> None:
    table = decoded(ROWS)
    for name in FEATURES[10:]:
        values = table.column(name)
        if pa.types.is_dictionary(kind):
            plain = pc.cast(values, kind.value_type).combine_chunks().dictionary_encode()
            values = pa.DictionaryArray.from_arrays(plain.indices.cast(kind.index_type), plain.dictionary)
        else:
            values = pc.cast(values, kind)
        table = table.set_column(table.column_names.index(name), name, values)
    assert table.column("Soil_Type").type == kind
    assert_same(write_table(tmp_path / "source.parquet", table), tmp_path, canonical)


def test_parquet_written_by_pandas(tmp_path: Path, canonical: Made) -> None:
    frame = decoded(ROWS).to_pandas()
    frame = frame.astype(dict.fromkeys(FEATURES[10:], "category"))
    odd = pd.concat([frame.iloc[:1], frame])[1:]  # an index that pandas keeps as a column
    odd.index = odd.index + 7
    odd.to_parquet(tmp_path / "source.parquet", index=True)
    assert any(name.startswith("__index") for name in pq.read_schema(tmp_path / "source.parquet").names)
    assert_same(tmp_path / "source.parquet", tmp_path, canonical)


def test_boolean_flags_are_flags(tmp_path: Path, canonical: Made) -> None:
    table = one_hot(ROWS)
    for i, name in enumerate(table.column_names):
        if "_Area_" in name or "_Type_" in name:
            table = table.set_column(i, name, pc.cast(table.column(name), pa.bool_()))
    assert_same(write_table(tmp_path / "source.parquet", table), tmp_path, canonical, "one-hot")


def quoted(data: bytes) -> bytes:
    return b"\n".join(b",".join(b'"%b"' % cell for cell in line.split(b",")) for line in data.splitlines())


CSV_WRITERS: dict[str, Callable[[bytes], bytes]] = {
    "byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "CRLF": lambda data: data.replace(b"\n", b"\r\n"),
    "no last newline": lambda data: data.rstrip(b"\n"),
    "empty lines at the end": lambda data: data + b"\n\n",
    "quotes": quoted,
    "quotes, byte order mark and CRLF": lambda data: b"\xef\xbb\xbf" + quoted(data).replace(b"\n", b"\r\n"),
    "floats": lambda data: data.replace(b",Rawah", b".0,Rawah"),
    "spaces after commas in the header": lambda data: data.replace(b",Slope", b", Slope", 1),
}


@pytest.mark.parametrize("name", CSV_WRITERS)
@pytest.mark.parametrize("header", [True, False])
def test_ways_of_writing_csv(tmp_path: Path, canonical: Made, name: str, *, header: bool) -> None:
    (tmp_path / "source.csv").write_bytes(CSV_WRITERS[name](csv_bytes(ROWS, header=header)))
    assert_same(tmp_path / "source.csv", tmp_path, canonical)


def test_small_csv_blocks_do_not_matter(tmp_path: Path, canonical: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "BLOCK_BYTES", 4096)
    source = write_table(tmp_path / "source.csv", ROWS)
    batches = list(files.open_source(str(source), SCHEMA).batches([TARGET]))
    assert len(batches) > 3
    assert_same(source, tmp_path, canonical)


def test_a_gzip_file_of_several_members(tmp_path: Path, canonical: Made) -> None:
    data = csv_bytes(ROWS)
    (tmp_path / "source.csv.gz").write_bytes(gzip.compress(data[:5000]) + gzip.compress(data[5000:]))
    assert_same(tmp_path / "source.csv.gz", tmp_path, canonical)


def test_a_file_uri(tmp_path: Path, canonical: Made) -> None:
    source = write_table(tmp_path / "a source.parquet", ROWS)
    assert_same(source.as_uri(), tmp_path, canonical)
    assert "%20" in source.as_uri()


def test_damage_inside_a_parquet_file_is_bad_data(tmp_path: Path) -> None:
    source = write_table(tmp_path / "source.parquet", ROWS)
    data = bytearray(source.read_bytes())
    data[4:24] = b"\xff" * 20
    source.write_bytes(data)
    with pytest.raises(BadDataError, match="not a complete parquet file"):
        prepared(source, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_builtin_and_its_digest() -> None:
    (path,) = files.resolve_paths("builtin:", SCHEMA)
    assert files.open_source("builtin:", SCHEMA).sha256() == storage.sha256_file(path)


def parts(folder: Path, ending: str, sizes: tuple[int, ...] = (120, 1, 229)) -> list[Path]:
    """Write the rows to several files, which a wildcard finds in the order of their names."""
    paths, start = [], 0
    folder.mkdir(exist_ok=True)
    for number, size in enumerate(sizes):
        paths.append(write_table(folder / f"part-{number}{ending}", ROWS.slice(start, size)))
        start += size
    return paths


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".csv.gz"])
def test_several_files_are_one_table(tmp_path: Path, canonical: Made, ending: str) -> None:
    parts(tmp_path / "in", ending)
    (tmp_path / "in" / "other.txt").write_text("not asked for")
    assert_same(tmp_path / "in" / f"part-*{ending}", tmp_path, canonical)


def test_the_digest_of_several_files_is_that_of_all(tmp_path: Path) -> None:
    digests = set()
    for sizes in ((350,), (300, 50), (299, 51)):
        folder = tmp_path / str(sizes)
        parts(folder, ".csv", sizes)
        digests.add(files.open_source(str(folder / "*"), SCHEMA).sha256())
    assert len(digests) == 3


def test_a_bad_row_is_told_by_its_file(tmp_path: Path) -> None:
    paths = parts(tmp_path / "in", ".csv")
    lines = paths[2].read_text().splitlines()
    lines[8] = lines[8].replace("Rawah", "Rahwa").replace("Commanche", "Rahwa").replace("Neota", "Rahwa")
    lines[8] = lines[8].replace("Cache", "Rahwa")
    paths[2].write_text("\n".join(lines))
    with pytest.raises(
        BadDataError, match=r"unknown value 'Rahwa' in column 'Wilderness_Area', in row 7 of part-2\.csv"
    ):
        prepared(tmp_path / "in" / "*", tmp_path / "out")


def test_a_missing_value_is_told_by_its_file(tmp_path: Path) -> None:
    paths = parts(tmp_path / "in", ".csv")
    lines = paths[2].read_text().splitlines()
    lines[8] = "," + lines[8].partition(",")[2]
    paths[2].write_text("\n".join(lines))
    with pytest.raises(BadDataError, match=r"missing in column 'Elevation', in row 7 of part-2\.csv"):
        prepared(tmp_path / "in" / "*", tmp_path / "out")


def test_files_of_different_columns_are_no_table(tmp_path: Path) -> None:
    parts(tmp_path, ".csv")
    write_table(tmp_path / "part-3.csv", one_hot(ROWS))
    what = r"column 'Soil_Type' is not in both part-0.csv and part-3.csv, in part-\*: name files of one table"
    with pytest.raises(BadDataError, match=what):
        files.open_source(str(tmp_path / "part-*"), SCHEMA)


def test_files_of_different_kinds_are_no_table(tmp_path: Path) -> None:
    parts(tmp_path, ".csv")
    parts(tmp_path, ".parquet")
    with pytest.raises(UsageError, match=r"there are CSV files and parquet files, in part-\*"):
        files.open_source(str(tmp_path / "part-*"), SCHEMA)


def test_a_name_with_a_wildcard_in_it_is_a_name(tmp_path: Path) -> None:
    for name in ("rows [1].csv", "rows 1.csv"):
        write_table(tmp_path / name, ROWS)
    assert files.resolve_paths(str(tmp_path / "rows [1].csv"), SCHEMA) == [tmp_path / "rows [1].csv"]


@pytest.mark.parametrize(
    ("uri", "error"),
    [
        ("ftp://bucket/x.csv", UsageError),
        ("nowhere.csv", NoInputError),
        ("nowhere/*.csv", NoInputError),
        ("file:///nowhere.csv", NoInputError),
        ("", UsageError),
        ("file://nowhere/a.csv", UsageError),
    ],
)
def test_uris_that_name_no_file(uri: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        files.resolve_paths(uri, SCHEMA)


def test_a_schema_without_a_builtin_table() -> None:
    bare = type(SCHEMA)(SCHEMA.name, TARGET, SCHEMA.columns, SCHEMA.cover_types)
    with pytest.raises(BadConfigurationError, match="has no builtin table"):
        files.resolve_paths("builtin:", bare)
