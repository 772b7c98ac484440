"""What a message shows and advises is what helps, for small tables of two classes as people really have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from steps import prepare
from tests.support import call

SCHEMA = """
name = "people"
target = "income"
columns = [{ name = "age", dtype = "int8" }]
cover_types = [{ label = "<=50K", slug = "low", title = "Low" }, { label = ">50K", slug = "high", title = "High" }]
"""
GOOD = "age,income\n" + "30,<=50K\n40,>50K\n" * 3
PARTS = "age,income,split\n30,<=50K,train\n40,>50K,{}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            GOOD.replace(",<", ", <"),
            "label ' <=50K' in column 'income' is not one of <=50K, >50K: write it as '<=50K'?",
        ),
        (GOOD.replace("0K", "0k"), "label <=50k in column 'income' is not one of <=50K, >50K: write it as '<=50K'?"),
        (PARTS.format("test "), "'test ' in column 'split' is not one of train, validation, test: write it as 'test'?"),
        (PARTS.format("TEST"), "TEST in column 'split' is not one of train, validation, test: write it as 'test'?"),
        (PARTS.format(""), "a value is missing in column 'split': use train, validation, test"),
        ("age,income\n", "there is no row: give a table with rows below its header"),
        ("age,income", "there is no row: give a table with rows below its header"),
        ("age,income\n" + "40,>50K\n" * 9, "all 9 rows are of cover type 'high': add rows of other cover types"),
        ("sep=,\n" + GOOD, "the first line is 'sep=,', which only Excel understands: remove it"),
        ('"sep=;"\r\n' + GOOD.replace(",", ";"), "which only Excel understands: remove it, and separate columns by"),
    ],
)
def test_advice(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "schema.toml").write_text(SCHEMA)
    (tmp_path / "people.csv").write_text(text)
    source = ["--source", tmp_path / "people.csv", "--schema", tmp_path / "schema.toml"]
    outputs = ["--dataset", f"low={tmp_path}/low.parquet", "--profile", tmp_path / "profile.json"]
    result = call(prepare.main, *source, *outputs)
    assert result.code == 65
    what, _, fix = words.partition(": ")
    (error,) = result.errors
    assert error.startswith("error: ")
    assert what in error
    assert f": {fix}" in error


def test_a_file_with_a_header_alone_among_others(tmp_path: Path) -> None:
    (tmp_path / "schema.toml").write_text(SCHEMA)
    for name, text in (("1.csv", GOOD), ("2.csv", "age,income"), ("3.csv", "age,income\n")):
        (tmp_path / name).write_text(text)
    source = ["--source", tmp_path / "*.csv", "--schema", tmp_path / "schema.toml"]
    outputs = ["--dataset", f"low={tmp_path}/low.parquet", "--profile", tmp_path / "profile.json"]
    result = call(prepare.main, *source, *outputs)
    assert (result.code, "6 of 6 rows kept" in result.log) == (0, True)
