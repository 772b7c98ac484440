from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from steps.core import storage


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_whole(tmp_path: Path) -> None:
    final = tmp_path / "new" / "folder" / "file"
    with storage.atomic_path(final) as temporary:
        temporary.write_text("whole")
        assert names(final.parent) == [temporary.name]
        assert temporary.name.startswith(storage.PARTIAL)
    assert final.read_text() == "whole"
    assert final.stat().st_mode & 0o777 == 0o644
    assert names(final.parent) == ["file"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    final = tmp_path / "file"
    final.write_text("old")

    def fail() -> None:
        with storage.atomic_path(final) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert final.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_a_folder_appears_whole_and_replaces(tmp_path: Path) -> None:
    final = tmp_path / "folder"
    final.mkdir()
    (final / "file").write_text("old")
    with storage.atomic_folder(final) as temporary:
        (temporary / "file").write_text("new")
        assert (final / "file").read_text() == "old"
    assert (final / "file").read_text() == "new"
    assert names(tmp_path) == ["folder"]


def test_a_folder_with_other_files_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/one.jpg").write_text("one")
    monkeypatch.chdir(tmp_path / "photos")
    for final in (tmp_path / "photos", Path()):
        with pytest.raises(FileExistsError, match=r"another file, one\.jpg"), storage.atomic_folder(final) as temporary:
            (temporary / "model").write_text("two")
    assert (names(tmp_path), names(tmp_path / "photos")) == (["photos"], ["one.jpg"])


def test_a_folder_with_sub_folders(tmp_path: Path) -> None:
    final = tmp_path / "model"
    for text in ("one", "two"):
        with storage.atomic_folder(final) as temporary:
            (temporary / "trees").mkdir()
            (temporary / "trees" / "0").write_text(text)
        assert (final / "trees" / "0").read_text() == text
    with pytest.raises(FileExistsError, match=r"another file, trees/0"), storage.atomic_folder(final) as temporary:
        (temporary / "trees").mkdir()
    assert (final / "trees" / "0").read_text() == "two"


@pytest.mark.parametrize("final", ["", ".", "folder"])
def test_a_file_does_not_take_the_place_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, final: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        storage.write_text(Path(final), "text")
    assert (names(tmp_path), names(tmp_path / "folder")) == (["folder"], [])


def test_an_error_leaves_the_old_folder(tmp_path: Path) -> None:
    final = tmp_path / "folder"
    final.mkdir()
    (final / "old").touch()

    def fail() -> None:
        with storage.atomic_folder(final) as temporary:
            (temporary / "new").touch()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert names(final) == ["old"]
    assert names(tmp_path) == ["folder"]


def test_json_round_trip(tmp_path: Path) -> None:
    value = {"ä": [1, 2.5, None, True], "b": "ü"}
    storage.write_json(tmp_path / "x.json", value)
    assert storage.read_json(tmp_path / "x.json") == value
    assert json.loads((tmp_path / "x.json").read_bytes()) == value
    assert "ä" in (tmp_path / "x.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("data", [b"[" * 100_000, b"\xff", b"", b"{", b"[1,"])
def test_what_is_not_json_is_a_value_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.json").write_bytes(data)
    with pytest.raises(ValueError, match=r"\w"):
        storage.read_json(tmp_path / "x.json")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_has_no_such_numbers(tmp_path: Path, number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        storage.write_json(tmp_path / "x.json", [number])
    assert not names(tmp_path)


def test_digest_and_size(tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_bytes(data)
    assert storage.sha256_file(tmp_path / "a" / "file") == hashlib.sha256(data).hexdigest()
    assert storage.size_of(tmp_path / "a" / "file") == storage.size_of(tmp_path) == len(data)
    assert storage.size_of(tmp_path / "absent") == 0
