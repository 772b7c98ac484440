from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steps.core import storage
from steps.core.errors import AlreadyExistsError, BadDataError
from steps.registry import destinations
from steps.registry.destinations import Folder
from steps.registry.manifest import Entry
from tests.support import leftovers

if TYPE_CHECKING:
    from pathlib import Path


def test_a_small_file_is_written_only_as_it_was_seen(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("x", b"1", None)
    seen = folder.read("x")
    with pytest.raises(AlreadyExistsError):
        folder.write("x", b"2", None)
    folder.write("x", b"2", seen)
    with pytest.raises(AlreadyExistsError):
        folder.write("x", b"3", seen)
    assert (tmp_path / "x").read_bytes() == b"2"


def test_names_of_files_below_a_folder(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for name in ("a/2.json", "a/b/1.json", "c", "a/.partial-x", "a/.partial-y/z"):
        storage.write_text(tmp_path / name, "")
    assert folder.names_below("a") == ["a/2.json", "a/b/1.json"]
    assert folder.names_below("c") == folder.names_below("d") == []


def entry_of(path: Path, name: str = "a/b") -> Entry:
    return Entry(name, name, path.stat().st_size, storage.sha256_file(path), "")


def test_a_commit_makes_the_folder_with_its_manifest(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("content")
    entry = entry_of(tmp_path / "source")
    folder = Folder(tmp_path).below("published")
    assert destinations.read_manifest(folder) is None
    manifest = folder.commit([entry], {"a/b": tmp_path / "source"}, {"rows": 3})
    assert destinations.read_manifest(folder) == manifest
    assert leftovers(tmp_path) == ["published/a/b", "published/manifest.json", "source"]
    folder.download(entry, tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "content"
    with pytest.raises(AlreadyExistsError):
        folder.commit([entry], {"a/b": tmp_path / "source"}, {"rows": 4})
    assert destinations.read_manifest(folder) == manifest


def test_a_file_that_changed_is_not_published(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("content")
    entry = entry_of(tmp_path / "source")
    (tmp_path / "source").write_text("another")
    with pytest.raises(BadDataError, match="the file changed while it was published, in a/b"):
        Folder(tmp_path / "published").commit([entry], {"a/b": tmp_path / "source"}, {})
    assert leftovers(tmp_path) == ["source"]


def test_a_published_file_that_changed_is_not_downloaded(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("content")
    entry = entry_of(tmp_path / "source")
    folder = Folder(tmp_path / "published")
    folder.commit([entry], {"a/b": tmp_path / "source"}, {})
    (tmp_path / "published" / "a" / "b").write_text("another")
    with pytest.raises(BadDataError, match="this is not the file that was published"):
        folder.download(entry, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
