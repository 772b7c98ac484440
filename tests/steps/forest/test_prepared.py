from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import pytest

from steps.forest import packing, prepared
from tests.steps.forest.test_packing import packed_trees

if TYPE_CHECKING:
    from pathlib import Path

DIGESTS = ["a" * 64, "b" * 64]


def example(**options: object) -> prepared.Prepared:
    found = packed_trees(1, 2, **options)
    return prepared.Prepared(found, np.zeros((3, 4), np.float32), np.ones((2, 3), np.float32))


@pytest.mark.parametrize("form", packing.FORMATS, ids=["narrow", "wide"])
def test_a_forest_reads_back_equal(form: packing.WordFormat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "FORMATS", (form,))
    written = example()
    prepared.write(tmp_path / "forest.bin", written, DIGESTS)
    read = prepared.read(tmp_path / "forest.bin", DIGESTS)
    assert read is not None
    for field in fields(packing.PackedTrees):
        value, expected = getattr(read.packed, field.name), getattr(written.packed, field.name)
        np.testing.assert_array_equal(value, expected)
        assert getattr(value, "dtype", None) == getattr(expected, "dtype", None)
    np.testing.assert_array_equal(read.rows, written.rows)
    np.testing.assert_array_equal(read.scores, written.scores)


def test_equal_forests_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        prepared.write(tmp_path / name, example(), DIGESTS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("digests", [[], DIGESTS[:1], DIGESTS[::-1], ["a" * 64, "c" * 64]])
def test_the_forest_of_other_models_is_ignored(tmp_path: Path, digests: list[str]) -> None:
    prepared.write(tmp_path / "forest.bin", example(), DIGESTS)
    assert prepared.read(tmp_path / "forest.bin", digests) is None


def test_the_forest_of_another_version_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared.write(tmp_path / "forest.bin", example(), DIGESTS)
    with monkeypatch.context() as patch:
        patch.setattr(prepared, "FORMAT", "covertype.forest.v2")
        assert prepared.read(tmp_path / "forest.bin", DIGESTS) is None
    monkeypatch.setattr(prepared, "_xgboost_version", lambda: "9.9")
    assert prepared.read(tmp_path / "forest.bin", DIGESTS) is None


def test_without_xgboost_the_forest_of_every_version_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared.write(tmp_path / "forest.bin", example(), DIGESTS)
    monkeypatch.setattr(prepared, "_xgboost_version", lambda: "")
    assert prepared.read(tmp_path / "forest.bin", DIGESTS) is not None
    assert prepared.read(tmp_path / "forest.bin", DIGESTS[:1]) is None


def test_a_damaged_file_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "forest.bin"
    prepared.write(path, example(), DIGESTS)
    data = path.read_bytes()
    for damaged in (b"", data[:64], data[:65], data[:-1], data + b"\0", b"[]\n", b"\xff\n"):
        path.write_bytes(damaged)
        assert prepared.read(path, DIGESTS) is None
    for at in [*range(0, 700, 7), len(data) - 1]:
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert prepared.read(path, DIGESTS) is None
    assert prepared.read(tmp_path / "missing", DIGESTS) is None
    assert prepared.read(tmp_path, DIGESTS) is None


def test_the_version_is_that_of_the_installed_build() -> None:
    import xgboost

    assert prepared._xgboost_version() == xgboost.__version__
