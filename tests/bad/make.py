"""Make the bad input files of this folder: PYTHONPATH=. python tests/bad/make.py.

Kept so that a reader can see what is wrong with each file, and how to make one more. The files are committed.
``unsupported_type.parquet`` was found by tests/fuzz: a changed byte in its footer makes an integer wider than 64 bits.
"""

from __future__ import annotations

import gzip
import io
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.support import TARGET, csv_bytes, one_hot, real_rows, zero_based

HERE = Path(__file__).parent
ROWS = real_rows(21)
LINES = csv_bytes(ROWS).decode().splitlines()
ONE_HOT = csv_bytes(one_hot(ROWS), header=False).decode().splitlines()


def save(name: str, data: bytes | str) -> None:
    (HERE / name).write_bytes(data if isinstance(data, bytes) else data.encode())


def save_lines(name: str, lines: list[str]) -> None:
    save(name, "\n".join(lines) + "\n")


def save_parquet(name: str, table: pa.Table) -> None:
    pq.write_table(table, HERE / name, compression="zstd")


def with_cell(line: int, column: str, cell: str) -> list[str]:
    """Return the CSV lines with one cell replaced; line 0 is the header."""
    at = LINES[0].split(",").index(column)
    cells = LINES[line].split(",")
    cells[at] = cell
    return [*LINES[:line], ",".join(cells), *LINES[line + 1 :]]


def with_flags(line: int, flags: dict[int, str]) -> list[str]:
    """Return the headerless one-hot lines with cells replaced by position."""
    cells = ONE_HOT[line].split(",")
    for at, cell in flags.items():
        cells[at] = cell
    return [*ONE_HOT[:line], ",".join(cells), *ONE_HOT[line + 1 :]]


def with_column(name: str, values: list[Any], kind: pa.DataType) -> pa.Table:
    return ROWS.set_column(ROWS.column_names.index(name), name, pa.array(values, kind))


def with_damaged_index(name: str) -> bytes:
    """Return the rows as parquet, in which the last values of a column point behind its dictionary."""
    out = io.BytesIO()
    pq.write_table(ROWS, out, compression="none")
    data = bytearray(out.getvalue())
    column = pq.ParquetFile(out).metadata.row_group(0).column(ROWS.column_names.index(name))
    end = column.dictionary_page_offset + column.total_compressed_size
    data[end - 4 : end] = b"\xff" * 4
    return bytes(data)


def make_files() -> None:
    save_lines("good.csv", LINES)
    save("empty.csv", b"")
    save("blank.csv", "\n" + "\n".join(LINES))
    save_lines("header_only.csv", LINES[:1])
    save("header_unended.csv", LINES[0])
    packed = gzip.compress("\n".join(LINES).encode(), mtime=0)
    save("truncated.csv.gz", packed[: len(packed) * 2 // 3])
    save("not_gzip.csv.gz", "\n".join(LINES))
    save("corrupt.csv.gz", packed[:60] + b"\xff" * 20 + packed[80:])
    save("not_text.csv", packed)


def make_parquet() -> None:
    save_parquet("missing_column.parquet", ROWS.drop_columns(["Slope"]))
    save_parquet("extra_column.parquet", ROWS.append_column("Geology", pa.array([1] * len(ROWS))))
    save_parquet("renamed_column.parquet", ROWS.rename_columns({"Slope": "Incline"}))
    save_parquet("numbers_as_text.parquet", with_column("Elevation", ["2500"] * len(ROWS), pa.string()))
    save_parquet("category_as_number.parquet", with_column("Wilderness_Area", [1] * len(ROWS), pa.int8()))
    save_parquet("label_as_text.parquet", with_column(TARGET, ["7"] * len(ROWS), pa.string()))
    save_parquet("too_large.parquet", with_column("Elevation", [2500] * 4 + [2**62] * (len(ROWS) - 4), pa.int64()))
    save_parquet("no_rows.parquet", ROWS.slice(0, 0))
    data = (HERE / "no_rows.parquet").read_bytes()
    save("truncated.parquet", data[: len(data) // 2])
    save("not_parquet.parquet", "\n".join(LINES))
    save("damaged_index.parquet", with_damaged_index("Soil_Type"))

    save("encrypted.parquet", (HERE / "no_rows.parquet").read_bytes()[:-4] + b"PARE")
    save_parquet("dates.parquet", with_column("Elevation", [date(2026, 1, 1)] * len(ROWS), pa.date32()))
    save_parquet("nested.parquet", with_column("Soil_Type", [["C2702"]] * len(ROWS), pa.list_(pa.string())))
    save_parquet("bytes.parquet", with_column("Soil_Type", [b"\xff"] * len(ROWS), pa.binary()))
    save_parquet("decimals.parquet", with_column("Elevation", [Decimal("2500.5")] * len(ROWS), pa.decimal128(9, 1)))


def make_text() -> None:
    data = "\n".join(LINES)
    save("utf16.csv", data.encode("utf-16"))
    save("utf16_no_mark.csv", data.encode("utf-16-le"))
    save("utf32.csv", data.encode("utf-32"))
    save("latin1_header.csv", data.replace("Aspect", "Asp\u00e9ct", 1).encode("latin-1"))
    save("latin1_cell.csv", "\n".join(with_cell(2, "Wilderness_Area", "Ne\u00f6ta")).encode("latin-1"))
    save("nul_header.csv", data.replace("Aspect", "Asp\0ct", 1))
    save("nul_cell.csv", "\n".join(with_cell(2, "Slope", "1\0")))
    save("web_page.csv", "<!DOCTYPE html><html><body>Not found</body></html>\n")
    save("pointer.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    save("workbook.csv", b"PK\x03\x04\x14\0\x06\0")


def make_values() -> None:
    save_lines("label_9.csv", with_cell(6, TARGET, "9"))
    save_lines("label_missing.csv", with_cell(6, TARGET, ""))
    save_lines("both_labels.csv", with_cell(6, TARGET, "0"))
    save_lines("neither_label.csv", [line for line in LINES if not line.endswith(",7")])
    save_lines("zero_based.csv", csv_bytes(zero_based(ROWS)).decode().splitlines())
    save_lines("nan.csv", with_cell(3, "Slope", "NaN"))
    save_lines("empty_cell.csv", with_cell(3, "Soil_Type", ""))
    save_lines("infinite.csv", with_cell(3, "Slope", "inf"))
    save_lines("above_range.csv", with_cell(3, "Aspect", "361"))
    save_lines("negative.csv", with_cell(3, "Slope", "-1"))
    save_lines("fraction.csv", with_cell(3, "Elevation", "2500.5"))
    save_lines("not_a_number.csv", with_cell(3, "Elevation", "high"))
    save_lines("unknown_soil.csv", with_cell(4, "Soil_Type", "C9999"))
    save_lines("unknown_wilderness.csv", with_cell(4, "Wilderness_Area", "Comanche"))
    save_lines("unknown_split.csv", [LINES[0] + ",split", *(line + ",train" for line in LINES[1:5]), LINES[5] + ",dev"])

    save_lines("true_among_numbers.csv", with_cell(3, "Slope", "True"))
    save_lines("decimal_comma.csv", with_cell(3, "Slope", '"3,5"'))
    save_lines("spaces_around.csv", with_cell(3, "Wilderness_Area", " Rawah "))
    save_lines("beyond_int64.csv", with_cell(3, "Slope", "1e999999999"))


def make_header() -> None:
    """Headers in which something is amiss; the rows are good."""
    save_lines("lower_case.csv", [LINES[0].lower(), *LINES[1:]])
    save_lines("misspelt.csv", [LINES[0].replace("Aspect", "Apsect"), *LINES[1:]])
    save_lines("no_header_of_ours.csv", ["one,two,three", "a,b,c"])
    save_lines("comment.csv", ["# made by hand", *LINES])
    save_lines("trailing_comma.csv", [line + "," for line in LINES])
    save_lines("no_name.csv", [LINES[0].replace("Aspect", ""), *LINES[1:]])
    save_lines("pipes.csv", [line.replace(",", "|") for line in LINES])
    save_lines("tabs.csv", [line.replace(",", "\t") for line in LINES])
    save_lines("semicolons_no_header.data", [line.replace(",", ";") for line in LINES[1:]])
    decimals = [line.replace(",", ";").replace("0;", "0,0;") for line in LINES[1:]]
    save_lines("semicolons_decimal_comma.csv", [LINES[0].replace(",", ";"), *decimals])


def make_structure() -> None:
    save_lines("duplicate_header.csv", [LINES[0].replace("Slope", "Aspect"), *LINES[1:]])
    save_lines("short_line.csv", [*LINES[:5], LINES[5].rpartition(",")[0], *LINES[6:]])
    save_lines("long_line.csv", [*LINES[:5], LINES[5] + ",1", *LINES[6:]])
    save_lines("semicolons.csv", [line.replace(",", ";") for line in LINES])
    soil = ONE_HOT[2].split(",").index("1", 14)
    free = 14 if soil != 14 else 15
    save_lines("two_soils.data", with_flags(2, {free: "1"}))
    save_lines("no_soil.data", with_flags(2, {soil: "0"}))
    save_lines("flag_of_2.data", with_flags(2, {soil: "2"}))
    save_lines("few_columns.data", [line.rpartition(",")[0] for line in ONE_HOT])


SCHEMA = """\
name = "tiny"
target = "kind"
columns = [{ name = "size", dtype = "float32" }]
cover_types = [{ label = 1, slug = "one", title = "One" }, { label = 2, slug = "two", title = "Two" }]
"""


def make_schemas() -> None:
    save("not_toml.toml", "name: tiny\n")
    save("not_text.toml", 'name = "tïny"\n'.encode("latin-1"))
    save("unknown_key.toml", SCHEMA + 'colour = "red"\n')
    save("unknown_column_key.toml", SCHEMA.replace("dtype =", 'colour = "red", dtype ='))
    save("missing_key.toml", SCHEMA.replace('target = "kind"\n', ""))
    save("wrong_type.toml", SCHEMA.replace('name = "size"', "name = 5"))
    save("columns_no_list.toml", SCHEMA.replace('[{ name = "size", dtype = "float32" }]', '"size"'))
    save("bad_slug.toml", SCHEMA.replace('"two", title', '"Two types", title'))
    save("unknown_dtype.toml", SCHEMA.replace("float32", "decimal"))
    save("no_values.toml", SCHEMA.replace("float32", "category"))
    save("one_class.toml", SCHEMA.replace(', { label = 2, slug = "two", title = "Two" }', ""))
    save("reserved_name.toml", SCHEMA.replace("size", "row"))
    save("utf16.toml", SCHEMA.encode("utf-16"))
    save("nul.toml", SCHEMA.replace("tiny", "ti\0ny"))
    save("nested_deeply.toml", f"name = {'[' * 5000}\n")
    save("many_digits.toml", f"name = {'1' * 5000}\n")
    for name, column in COLUMNS.items():
        save(f"{name}.toml", SCHEMA.replace('{ name = "size", dtype = "float32" }', f"{{ {column} }}"))


# A column that no table can have.
COLUMNS = {
    "minimum_nan": 'name = "size", dtype = "float32", minimum = nan',
    "maximum_infinite": 'name = "size", dtype = "float64", maximum = inf',
    "minimum_above_dtype": 'name = "size", dtype = "int8", minimum = 128',
    "maximum_above_dtype": 'name = "size", dtype = "uint16", maximum = 70000',
    "minimum_of_65_bits": 'name = "size", dtype = "int64", minimum = 9223372036854775808',
    "minimum_of_category": 'name = "size", dtype = "category", values = ["a"], minimum = 1',
    "values_of_number": 'name = "size", dtype = "float32", values = ["a"]',
    "no_column_name": 'name = "", dtype = "float32"',
    "space_in_name": 'name = "size ", dtype = "float32"',
    "line_break_in_name": r'name = "si\nze", dtype = "float32"',
    "named_as_target": 'name = "kind", dtype = "float32"',
}


if __name__ == "__main__":
    make_files()
    make_parquet()
    make_text()
    make_values()
    make_header()
    make_structure()
    make_schemas()
