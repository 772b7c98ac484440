"""YAML in which every key is given once."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from workflows.settings import strict_yaml

_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(_PLAIN)
def test_documents_without_a_repeated_key_are_read_as_pyyaml_reads_them(document: object) -> None:
    assert strict_yaml.load(yaml.safe_dump(document)) == document


@pytest.mark.parametrize("text", ["a: 1\na: 2", "x: {b: 1, b: 1}", "- {c: , c: }"])
def test_a_repeated_key_is_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError, match="is given twice"):
        strict_yaml.load(text)


def test_a_merged_key_may_be_overridden() -> None:
    assert strict_yaml.load("base: &base {a: 1}\nmine: {<<: *base, a: 2}")["mine"] == {"a": 2}


@pytest.mark.parametrize(
    "text",
    ["a: 2026-99-99", "[" * 1000, f"a: {'9' * 5000}"]
    + [f"!!{tag} {value}: 1" for tag in ("timestamp", "bool", "int", "float") for value in ("x", "''")],
)
def test_what_cannot_be_read_is_an_error_of_yaml(text: str) -> None:
    for load in (strict_yaml.load, strict_yaml.load_as_argo):
        with pytest.raises(yaml.YAMLError):
            load(text)


def test_numbers_are_read_as_argo_reads_them() -> None:
    assert strict_yaml.load("1e5") == "1e5"
    assert strict_yaml.load_as_argo("1e5") == 1e5
