from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from steps import schema as schemas
from steps.core.errors import BadConfigurationError, NoInputError
from steps.schema import Column, CoverType, Derived, Schema, reader
from steps.schema.dtypes import DTYPES, value_range
from tests.support import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GOOD = """
name = "tiny"
target = "kind"
columns = [
    { name = "size", dtype = "float32", unit = "m", minimum = 0, maximum = 1.5 },
    { name = "colour", dtype = "category", values = ["red", "green"] },
]
cover_types = [{ label = "a", slug = "one", title = "One" }, { label = "b", slug = "two", title = "Two" }]
derived = [{ name = "double", operation = "sum", of = ["size", "size"] }]
"""


def test_a_whole_file() -> None:
    read = schemas.parse(GOOD)
    assert read == Schema(
        "tiny",
        "kind",
        (Column("size", "float32", "m", 0, 1.5), Column("colour", "category", values=("red", "green"))),
        (CoverType("a", "one", "One"), CoverType("b", "two", "Two")),
        (Derived("double", "sum", ("size", "size")),),
    )
    assert (read.numeric, read.categorical, read.slugs) == (("size",), ("colour",), ("one", "two"))
    assert read.column("size").unit == "m"


def test_the_builtin_schema() -> None:
    assert len(SCHEMA.columns) == 12
    assert [cover_type.label for cover_type in SCHEMA.cover_types] == list(range(1, 8))
    soils = SCHEMA.column("Soil_Type").values
    assert (len(soils), soils[0], soils[28], soils[39]) == (40, "C2702", "C7745", "C8776")


@pytest.mark.parametrize("schema", [SCHEMA, schemas.parse(GOOD)], ids=["builtin", "tiny"])
def test_json_round_trip(schema: Schema) -> None:
    assert schemas.from_json(schema.to_json()) == schema
    assert "\n" not in schema.to_json()


def test_every_annotation_can_be_checked() -> None:
    for kind in (Schema, Column, CoverType, Derived):
        for part in fields(kind):
            assert not part.init or str(part.type).removesuffix(" | None") in reader._ACCEPTED


SIZE = '{ name = "size", dtype = "float32", unit = "m", minimum = 0, maximum = 1.5 }'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name =", "name", "not valid TOML"),
        ('target = "kind"', "", "key 'target' is missing in the schema"),
        ('target = "kind"', 'target = ["kind"]', "key 'target' in the schema must be a string"),
        ('target = "kind"', 'target = "kind"\ncolour = 1', "unknown key 'colour' in the schema"),
        ('target = "kind"', 'target = "kind"\n_names = {}', "unknown key '_names' in the schema"),
        ('target = "kind"', 'target = "kind"\nlabels_may_start_at_zero = 1', "must be true or false"),
        ('target = "kind"', 'target = "size"', "column 'size' occurs twice"),
        ('target = "kind"', 'target = "split"', "column name 'split' is reserved"),
        (SIZE, '"size"', "entry 1 of 'columns' must be a table"),
        (', dtype = "float32"', "", "key 'dtype' is missing in entry 1 of 'columns'"),
        ('"float32"', '"float16"', "unknown dtype 'float16' of column 'size'"),
        ("minimum = 0", 'minimum = "0"', "key 'minimum' in entry 1 of 'columns' must be a number"),
        ("minimum = 0", "minimum = true", "key 'minimum' in entry 1 of 'columns' must be a number"),
        ("minimum = 0", "minimum = 2", "the minimum of column 'size' is above its maximum"),
        ("minimum = 0", "minimum = nan", "the minimum of column 'size' is nan, a finite number is needed"),
        ("maximum = 1.5", "maximum = nan", "the maximum of column 'size' is nan, a finite number is needed"),
        ("minimum = 0", "minimum = -inf", "the minimum of column 'size' is -inf, a finite number is needed"),
        ("maximum = 1.5", "maximum = 1e39", "the maximum of column 'size' is 1e+39, the range of float32 is"),
        ("maximum = 1.5", 'values = ["a"]', "column 'size' has values, so its dtype must be 'category'"),
        ('"category"', '"category", maximum = 1', "column 'colour' is a category, which has no minimum or maximum"),
        ('name = "size"', 'name = ""', "a column has no name"),
        ('name = "size"', 'name = " size"', "column name ' size' begins or ends with a space"),
        ('name = "size"', r'name = "si\tze"', r"column name 'si\tze' contains '\t', a control character"),
        ('name = "size"', r'name = "si\u2028ze"', r"contains '\u2028', a control character"),
        ('name = "double"', 'name = ""', "a column has no name"),
        ('target = "kind"', r'target = "ki\u0000nd"', r"contains '\x00', a control character"),
        ('label = "a"', f"label = {2**63}", "key 'label' in entry 1 of 'cover_types' must fit into 64 bits"),
        ('["red", "green"]', '["red", 5]', "key 'values' in entry 2 of 'columns' must be a list of strings"),
        ('["red", "green"]', '["red", "red"]', "value 'red' of column 'colour' occurs twice"),
        ('["red", "green"]', "[]", "column 'colour' is a category without values"),
        ('name = "colour"', 'name = "size"', "column 'size' occurs twice"),
        ('name = "colour"', 'name = "score"', "column name 'score' is reserved"),
        ('label = "a"', "label = 1", "labels must be all integers or all strings"),
        ('label = "a"', "label = 1.5", "key 'label' in entry 1 of 'cover_types' must be an integer or a string"),
        ('label = "a"', 'label = "b"', "label 'b' occurs twice"),
        ('slug = "one"', 'slug = "two"', "slug 'two' occurs twice"),
        ('slug = "one"', "slug = 1", "key 'slug' in entry 1 of 'cover_types' must be a string"),
        ('slug = "one"', 'slug = "One"', "slug 'One' must be lower-case"),
        ('slug = "one"', f'slug = "{"x" * 41}"', "at most 40"),
        ('slug = "one"', 'slug = "-one"', "slug '-one' must be lower-case"),
        ('"sum"', '"total"', "unknown operation 'total' of 'double'"),
        ('["size", "size"]', '["size"]', "'double': sum takes 2 columns, not 1"),
        ('["size", "size"]', '["size", "colour"]', "'double' is computed from 'colour', which is not a numeric column"),
        ('name = "double"', 'name = "label"', "column name 'label' is reserved"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(BadConfigurationError, match=re.escape(message)):
        schemas.parse(GOOD.replace(old, new, 1))


@pytest.mark.parametrize("dtype", DTYPES[:7])
def test_a_range_is_inside_what_the_dtype_holds(dtype: str) -> None:
    low, high = value_range(dtype)
    text = GOOD.replace("float32", dtype).replace("maximum = 1.5", f"maximum = {high}")
    size = schemas.parse(text.replace("minimum = 0", f"minimum = {low}")).column("size")
    assert (size.minimum, size.maximum) == (low, high)
    beyond = "must fit into 64 bits" if dtype == "int64" else f"the range of {dtype} is {low} to {high}"
    for end in (f"maximum = {high + 1}", f"maximum = {high}, minimum = {low - 1}"):
        with pytest.raises(BadConfigurationError, match=beyond):
            schemas.parse(text.replace("minimum = 0, ", "").replace(f"maximum = {high}", end))


def test_labels_may_be_true_and_false() -> None:
    read = schemas.parse(GOOD.replace('"a"', "true").replace('"b"', "false"))
    assert [cover_type.label for cover_type in read.cover_types] == ["true", "false"]


def test_names_of_all_languages_are_names() -> None:
    for name in ("\u0645\u06cc\u200c\u062e\u0648", "caf\u00e9", "重量 [kg]", "a  b", "<b>"):
        assert schemas.parse(GOOD.replace("colour", name)).categorical == (name,)


def test_no_columns() -> None:
    with pytest.raises(BadConfigurationError, match="at least one column is needed"):
        schemas.parse(re.sub(r"columns = \[.*?\n\]", "columns = []", GOOD, flags=re.DOTALL).partition("derived")[0])


def test_a_mean_takes_any_number_of_columns_but_none() -> None:
    three = GOOD.replace('"sum", of = ["size", "size"]', '"mean", of = ["size", "size", "size"]')
    assert len(schemas.parse(three).derived[0].of) == 3
    with pytest.raises(BadConfigurationError, match="mean takes some columns, not 0"):
        schemas.parse(GOOD.replace('"sum", of = ["size", "size"]', '"mean", of = []'))


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(NoInputError, match="no such schema file, in nowhere"):
        schemas.load("nowhere.toml")


BOM = "\ufeff"


@pytest.mark.parametrize(
    "change", [BOM.__add__, lambda text: text.replace("\n", "\r\n"), lambda text: text.replace("\n", "\r")]
)
def test_a_byte_order_mark_and_line_ends_of_other_systems_are_read(
    tmp_path: Path, change: Callable[[str], str]
) -> None:
    (tmp_path / "schema.toml").write_bytes(change(GOOD).encode())
    assert schemas.load(str(tmp_path / "schema.toml")) == schemas.parse(GOOD)
