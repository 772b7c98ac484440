from __future__ import annotations

import json

import pytest

from steps.core.errors import UsageError
from steps.schema import Column, CoverType, Derived, Schema
from tests.support import SCHEMA

TINY = Schema(
    "tiny",
    "kind",
    (Column("size", "float32"), Column("colour", "category", values=("red", "green")), Column("age", "int8")),
    (CoverType("a", "one", "One"), CoverType("b", "two", "Two")),
    (Derived("double", "sum", ("size", "size")),),
)


def test_columns_by_kind_and_name() -> None:
    assert (TINY.numeric, TINY.categorical, TINY.slugs) == (("size", "age"), ("colour",), ("one", "two"))
    assert TINY.column("age").dtype == "int8"
    with pytest.raises(KeyError):
        TINY.column("kind")


def test_the_folder_of_a_published_dataset() -> None:
    assert CoverType(5, "aspen", "Aspen").partition == "cover_type=5"
    assert CoverType("../a/b", "aspen", "Aspen").partition == "cover_type=aspen"


def test_json_has_all_fields_and_nothing_else() -> None:
    document = json.loads(TINY.to_json())
    assert document["columns"][1] == {
        "name": "colour",
        "dtype": "category",
        "unit": "",
        "minimum": None,
        "maximum": None,
        "values": ["red", "green"],
    }
    assert document.keys() == {
        *("name", "target", "columns", "cover_types", "derived", "labels_may_start_at_zero", "builtin_table", "slices"),
    }


@pytest.mark.parametrize("key", ["aspen", "5"])
def test_a_cover_type_by_slug_or_label(key: str) -> None:
    assert SCHEMA.cover_type(key).title == "Aspen"


def test_an_unknown_cover_type_lists_the_known() -> None:
    with pytest.raises(UsageError, match=r"unknown cover type 'oak': use some of: 1 spruce-fir, 2 lodgepole-pine"):
        SCHEMA.cover_type("oak")
