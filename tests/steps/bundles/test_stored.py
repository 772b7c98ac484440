"""What is read without skops is what skops reads, and everything else is left to skops."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from steps.bundles import stored
from steps.models import bundle
from steps.models.features import FeatureTransformer, make_transformer
from tests.support import SCHEMA, real_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    fitted = make_transformer(SCHEMA, "derived").fit(real_rows(70).to_pandas())
    bundle.write_preprocessor(tmp_path / "preprocessor.skops", fitted)
    return tmp_path / "preprocessor.skops"


def change(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    with zipfile.ZipFile(path) as archive:
        document = json.loads(archive.read("schema.json"))
    edit(document)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", json.dumps(document))


def test_the_same_as_skops_reads(path: Path) -> None:
    assert stored.read(path) == bundle.read_preprocessor(path).columns


def test_a_transformer_without_categories(tmp_path: Path) -> None:
    fitted = FeatureTransformer(numeric=["a"], categories={}, derived=[]).fit(real_rows(7).to_pandas())
    bundle.write_preprocessor(tmp_path / "p.skops", fitted)
    assert stored.read(tmp_path / "p.skops") == fitted.columns


EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "another format": lambda document: document.update(__module__="covertype.features.v0"),
    "another class": lambda document: document.update(__class__="Pipeline"),
    "another protocol": lambda document: document.update(protocol=3),
    "another kind of node": lambda document: document["content"]["content"]["numeric"].update(__loader__="TupleNode"),
    "no list": lambda document: document["content"]["content"].pop("derived"),
    "a key that is a number": lambda document: document["content"]["key_types"]["content"][0].update(__class__="int"),
}


@pytest.mark.parametrize("name", list(EDITS))
def test_any_other_file_is_left_to_skops(path: Path, name: str) -> None:
    change(path, EDITS[name])
    assert stored.read(path) is None


def test_a_damaged_file_is_left_to_skops(path: Path, tmp_path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])
    assert stored.read(path) is None
    assert stored.read(tmp_path / "none.skops") is None
