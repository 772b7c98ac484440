"""What the cells of a CSV file mean depends on their column, and no digit of them is lost."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from steps import schema as schemas
from steps.core.errors import BadDataError, BadRowError
from steps.datasets import ingest
from steps.schema import Column, CoverType, Schema
from steps.sources import csv_file, csv_head, files
from tests.support import SCHEMA, prepared, real_rows, same_values, write_table
from tests.support import one_hot as as_one_hot

if TYPE_CHECKING:
    from pathlib import Path


def schema_of(dtype: str, *labels: int | str, **options: Any) -> Schema:
    types = tuple(CoverType(label, f"c{i}", f"C{i}") for i, label in enumerate(labels or ("a", "b")))
    return Schema("tiny", "y", (Column("x", dtype, **options), Column("z", "float64")), types)


def read(folder: Path, schema: Schema, text: str | bytes) -> pa.Table:
    """Return the complete rows of a CSV file: the features, and whether a row is of the first class."""
    (folder / "source.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return rows_of(folder / "source.csv", schema)


def rows_of(path: Path, schema: Schema) -> pa.Table:
    names = [*(column.name for column in schema.columns), "label"]
    parts = [
        pa.table([*batch.arrays, pa.array((batch.codes == 0).astype("u1"))], names).filter(
            pa.array(batch.complete_rows())
        )
        for batch in ingest.read_batches(files.open_source(str(path), schema), 0)
    ]
    return pa.concat_tables(parts)


BIG = [2**53 + 1, -(2**63), 2**63 - 1]


def test_large_whole_numbers_keep_every_digit(tmp_path: Path) -> None:
    rows = [(BIG[0], "a"), (BIG[1], "b"), (BIG[2], "a")]
    table = read(tmp_path, schema_of("int64"), "x,z,y\n" + "".join(f"{x},0,{y}\n" for x, y in rows))
    assert table["x"].to_pylist() == BIG


@pytest.mark.parametrize(
    "cell",
    [
        "9007199254740993.0",
        "+9007199254740993",
        " 9007199254740993 ",
        "9007199254740993e0",
        f"9007199254740993.{'0' * 40}",
        f"9007199254740993{'0' * 40}e-40",
    ],
)
def test_other_ways_of_writing_a_large_number_keep_every_digit(tmp_path: Path, cell: str) -> None:
    assert read(tmp_path, schema_of("int64"), f"x,z,y\n{cell},0,a\n1,0,b\n")["x"].to_pylist() == [BIG[0], 1]


@pytest.mark.parametrize("cell", [f"1e{'9' * 20}", f"1e-{'9' * 20}", "1e999999999", "1e-999999999"])
def test_an_exponent_without_measure_is_refused(tmp_path: Path, cell: str) -> None:
    with pytest.raises(BadDataError, match=r"(outside|not a whole number).*row 1"):
        read(tmp_path, schema_of("int64"), f"x,z,y\n1,0,a\n{cell},0,b\n")


@pytest.mark.parametrize("cell", ["0x10", "0XFF", "0xFFFFFFFFFFFFFFFF"])
@pytest.mark.parametrize("dtype", ["int64", "float32"])
def test_a_hexadecimal_number_is_refused(tmp_path: Path, cell: str, dtype: str) -> None:
    with pytest.raises(BadDataError, match=f"'{cell}' in column 'x' is not a number"):
        read(tmp_path, schema_of(dtype), f"x,z,y\n1,0,a\n{cell},0,b\n")


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint32"])
def test_whole_numbers_with_a_point_and_missing_ones(tmp_path: Path, dtype: str) -> None:
    table = read(tmp_path, schema_of(dtype), "x,z,y\n3.0,0,a\nNaN,0,a\n,0,a\n4,0,b\n")
    assert table["x"].to_pylist() == [3, 4]


def test_a_large_label_is_the_very_one(tmp_path: Path) -> None:
    table = read(tmp_path, schema_of("int8", 2**53, 2**53 + 1), f"x,z,y\n1,0,{2**53}\n2,0,{2**53 + 1}\n")
    assert table["label"].to_pylist() == [1, 0]


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_true_and_false_are_one_and_zero(tmp_path: Path, dtype: str) -> None:
    text = "x,z,y\nTrue,0,a\nfalse,0,a\nTRUE,0,b\n,0,b\n"
    assert read(tmp_path, schema_of(dtype), text)["x"].to_pylist() == [1, 0, 1]
    table = pa.table({"x": [True, False, True], "z": [0, 0, 0], "y": ["a", "a", "b"]})
    source = write_table(tmp_path / "source.parquet", table)
    assert rows_of(source, schema_of(dtype))["x"].to_pylist() == [1, 0, 1]


@pytest.mark.parametrize("rows", [["True", "7"], ["7", "True"], ["True", *["7"] * 500], ["7", *["True"] * 500]])
def test_a_truth_value_among_numbers_is_refused_wherever_it_stands(
    tmp_path: Path, rows: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_file, "BLOCK_BYTES", 1024)
    with pytest.raises(
        BadDataError, match=r"'True' in column 'x' is not a number|'7' in column 'x' is neither true nor"
    ):
        read(tmp_path, schema_of("int8"), "x,z,y\n" + "".join(f"{x},0,a\n" for x in rows))


@pytest.mark.parametrize(
    ("cells", "rows", "numbers"),
    [
        (["True", "7"], [0], [None, 7]),
        (["7", "false", "8", "TRUE"], [1, 3], [7, None, 8, None]),
        (["True", "NA", "x"], [0, 2], [None, None, None]),
    ],
    ids=str,
)
def test_a_truth_value_among_numbers_is_reported_once_and_the_numbers_stay(
    tmp_path: Path, cells: list[str], rows: list[int], numbers: list[int | None]
) -> None:
    path, schema, found = tmp_path / "rows.csv", schema_of("int8"), list[int]()
    path.write_text("x,z\n" + "".join(f"{cell},0\n" for cell in cells), encoding="utf-8")

    def report(error: BadRowError, _: str) -> None:
        assert len(found) < len(cells), "it is reported again and again"
        found.append(error.row)

    head = csv_head.read_head(path, "here", schema, labelled=False)
    batches = csv_file.CsvReader(path, "here", head, schema, (), report).batches(["x"])
    assert [value for batch in batches for value in batch.column("x").to_pylist()] == numbers
    assert sorted(row for row in found if row is not None) == rows


TRUTH = "x,z,y\n1,0,{}\n2,0,{}\n"


@pytest.mark.parametrize("labels", [("True", "False"), ("true", "false"), ("TRUE", "FALSE"), (1, 0)], ids=str)
def test_a_boolean_target_has_the_same_labels_in_every_file(tmp_path: Path, labels: tuple[Any, Any]) -> None:
    schema = schema_of("int8", *labels)
    for yes, no in (("True", "False"), ("true", "false"), ("TRUE", "FALSE")):
        assert read(tmp_path, schema, TRUTH.format(yes, no))["label"].to_pylist() == [1, 0]
    for values in (pa.array([True, False]), pa.array([True, False]).dictionary_encode()):
        source = write_table(tmp_path / "source.parquet", pa.table({"x": [1, 2], "z": [0, 0], "y": values}))
        assert rows_of(source, schema)["label"].to_pylist() == [1, 0]


def test_a_truth_value_is_no_label_of_other_numbers(tmp_path: Path) -> None:
    with pytest.raises(BadDataError, match="'True' in column 'y' is not a number"):
        read(tmp_path, schema_of("int8", 1, 2), TRUTH.format("True", "True"))


def test_what_is_missing_is_decided_column_by_column(tmp_path: Path) -> None:
    columns = (
        Column("lot", "float32"),
        Column("alley", "category", values=("NA", "Grvl")),
        Column("fence", "category", values=("None", "")),
        Column("pool", "category", values=("yes",)),
    )
    schema = Schema("houses", "y", columns, (CoverType("NA", "c0", "A"), CoverType("b", "c1", "B")))
    text = "lot,alley,fence,pool,y\n1,NA,None,yes,NA\n2,Grvl,,yes,b\nNA,NA,None,yes,b\n4,,None,yes,b\n5,NA,None,NA,b\n"
    table = read(tmp_path, schema, text)
    assert table.select(["lot", "alley", "fence", "label"]).to_pylist() == [
        {"lot": 1, "alley": "NA", "fence": "None", "label": 1},
        {"lot": 2, "alley": "Grvl", "fence": "", "label": 0},
    ]


@pytest.mark.parametrize("newline", ["\r", "\r\n", "\n"])
@pytest.mark.parametrize("quoted", [False, True])
def test_line_ends_of_all_systems(tmp_path: Path, newline: str, *, quoted: bool) -> None:
    header = f'"x","z","y{newline}"' if quoted else "x,z,y"
    assert len(read(tmp_path, schema_of("int8"), newline.join([header, "1,0,a", "2,0,b", ""]))) == 2


def test_a_line_break_in_a_cell_at_the_end_of_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "BLOCK_BYTES", 64)
    schema = schema_of("category", values=("one\ntwo",))
    rows = "".join(f'"one\ntwo",{i},{"ab"[i % 2]}\n' for i in range(100))
    assert read(tmp_path, schema, "x,z,y\n" + rows)["z"].to_pylist() == list(range(100))


def test_a_row_longer_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "BLOCK_BYTES", 64)
    schema = schema_of("category", values=("n" * 1000, "m"))
    text = "x,z,y\n" + "m,1,a\n" * 20 + f"{'n' * 1000},2,b\n" + "m,3,b\n" * 20
    assert read(tmp_path, schema, text)["z"].to_pylist() == [1] * 20 + [2] + [3] * 20


KAGGLE = real_rows(70)


def kaggle(*, first: int = 1, separator: str = "") -> pa.Table:
    """Return rows with one-hot columns that are counted from ``first``."""
    table = as_one_hot(KAGGLE)
    names = []
    for name in table.column_names:
        category, _, number = name.rpartition("_")
        flag = category in {"Wilderness_Area", "Soil_Type"} and number.isdigit()
        names.append(f"{category}{separator}{int(number) + first}" if flag else name)
    return table.rename_columns(names)


@pytest.mark.parametrize(
    ("first", "separator", "shape"), [(1, "", "kaggle"), (1, "_", "kaggle"), (0, "", "one-hot"), (0, "_", "one-hot")]
)
@pytest.mark.parametrize("ending", [".csv", ".parquet", ".csv.gz"])
@pytest.mark.parametrize("number", ["", "Id", "id", "Unnamed: 0"])
def test_one_hot_columns_counted_from_0_and_from_1(  # noqa: PLR0913, PLR0917 - one argument a way in which files differ
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    first: int,
    separator: str,
    shape: str,
    ending: str,
    number: str,
) -> None:
    expected, _ = prepared(write_table(tmp_path / "canonical.parquet", KAGGLE), tmp_path / "1")
    table = kaggle(first=first, separator=separator)
    table = table.add_column(0, number, pa.array(range(len(table)))) if number else table
    profile, _ = prepared(write_table(tmp_path / f"source{ending}", table), tmp_path / "2")
    assert (profile["shape"], profile["data_sha256"]) == (shape, expected["data_sha256"])
    assert same_values(tmp_path / "1", tmp_path / "2")
    words = f"source{ending}: column {number!r} is left out, because it numbers the rows"
    assert (words in capsys.readouterr().err) == bool(number)


def test_a_column_without_a_name_is_left_out_at_the_beginning_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(read(tmp_path, schema_of("int8"), ",x,z,y\n0,1,0,a\n1,2,0,b\n")) == 2
    assert "the first column, which has no name, is left out, because it numbers the rows" in capsys.readouterr().err
    with pytest.raises(BadDataError, match="column 2 has no name"):
        read(tmp_path, schema_of("int8"), "x,,z,y\n1,0,0,a\n2,1,0,b\n")


def test_an_id_that_the_schema_asks_for_is_a_column(tmp_path: Path) -> None:
    schema = Schema("ids", "y", (Column("Id", "int8"),), (CoverType("a", "c0", "A"), CoverType("b", "c1", "B")))
    assert read(tmp_path, schema, "Id,y\n1,a\n2,b\n")["Id"].to_pylist() == [1, 2]


def test_a_category_of_41_000_values(tmp_path: Path) -> None:
    values = tuple(f"v{i}" for i in range(41_000))
    schema = schemas.from_json(schema_of("category", values=values).to_json())
    text = "x,z,y\n" + "".join(f"{value},{i},{'ab'[i % 2]}\n" for i, value in enumerate(values))
    table = read(tmp_path, schema, text)
    assert table["x"].to_pylist() == list(values)
    assert table["z"].to_pylist() == list(range(41_000))


def test_a_gzip_file_by_another_name(tmp_path: Path) -> None:
    with pytest.raises(BadDataError, match=r"this is a gzip file, in source\.csv: name it \.csv\.gz"):
        read(tmp_path, SCHEMA, gzip.compress(b"x"))
