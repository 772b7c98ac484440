"""Files and folders have the permissions that the user's umask leaves."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from steps.core import storage
from steps.io import open_destination
from steps.registry import publishing
from steps.search import study
from tests.workflows.documents import dag, leaf, task, workflow
from tests.workflows.local.test_executor import execute
from workflows.local.cache import Cache
from workflows.local.nodes import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=[0o077, 0o022, 0o002], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    mask: int = request.param
    before = os.umask(mask)
    yield mask
    os.umask(before)


def check(folder: Path, umask: int, shared: int = 0) -> None:
    """Check the permissions of everything in a folder, in which ``shared`` files are read-only hard links."""
    found = {path: path.stat() for path in folder.rglob("*")}
    wanted = {path: oct((0o777 if path.is_dir() else 0o666) & ~umask) for path in found}
    linked = {path for path, stat in found.items() if path.is_file() and stat.st_nlink > 1}
    assert len(linked) == shared
    wanted |= {path: oct(0o444 & ~umask) for path in linked}
    assert found
    assert {path: oct(stat.st_mode & 0o777) for path, stat in found.items()} == wanted


def test_whole_files_and_folders(tmp_path: Path, umask: int) -> None:
    storage.write_text(tmp_path / "new" / "file", "text")
    storage.write_text(tmp_path / "new" / "file", "text again")
    with storage.atomic_folder(tmp_path / "folder") as folder:
        (folder / "part").touch()
    check(tmp_path, umask)


def test_what_is_published_and_brought_back(tmp_path: Path, umask: int) -> None:
    storage.write_text(tmp_path / "file", "text")
    done = publishing.publish({"a/file": tmp_path / "file"}, open_destination(str(tmp_path / "place")), {})
    assert not done.already
    check(tmp_path, umask)


def test_a_cache_and_a_study(tmp_path: Path, umask: int) -> None:
    storage.write_text(tmp_path / "file", "text")
    cache = Cache(tmp_path / "cache")
    with cache.locked():
        digest = cache.store_result("key", "steps.a", {"file": tmp_path / "file"}, {}).artifacts["file"]
        cache.restore_object(digest, tmp_path / "run" / "file")
    identity = dict.fromkeys(("cover_type", "data", "space", "objective", "start", "seed"), "x")
    with study.open_study(tmp_path / "kept" / "study", identity):
        pass
    check(tmp_path, umask, shared=3)


def test_a_run(tmp_path: Path, umask: int) -> None:
    root = execute(tmp_path, workflow([dag("main", task("a")), leaf("a", tmp_path / "trace", "--text=a")]))
    assert root.phase is Phase.SUCCEEDED
    check(tmp_path, umask, shared=2)
