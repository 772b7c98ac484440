"""Publishing to a folder; to Cloud Storage it is in tests/emulators."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from steps.buckets.destination import object_name
from steps.core import storage
from steps.core.errors import AlreadyExistsError, BadDataError, NoInputError, UsageError
from steps.io import open_destination
from steps.registry import publishing
from steps.registry.manifest import MANIFEST, MAXIMUM_BYTES, Entry
from tests.support import leftovers

if TYPE_CHECKING:
    from pathlib import Path

FACTS = {"rows": 3, "who": "grün"}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A file and a folder with two, one of them a writer's temporary one."""
    source = tmp_path / "source"
    (source / "model" / "deep").mkdir(parents=True)
    for name in ("part-0.parquet", "model/m.ubj", "model/deep/x", "model/.partial-m"):
        (source / name).write_text(f"content of {name}")
    return {"cover_type=4/part-0.parquet": source / "part-0.parquet", "models/a": source / "model"}


NAMES = ["cover_type=4/part-0.parquet", "models/a/deep/x", "models/a/m.ubj"]


def test_a_folder_appears_whole(files: dict[str, Path], tmp_path: Path) -> None:
    place = tmp_path / "new" / "place"
    done = publishing.publish(files, open_destination(str(place)), FACTS)
    assert not done.already
    assert leftovers(place) == [*NAMES[:1], MANIFEST, *NAMES[1:]]
    assert leftovers(tmp_path / "new") == [f"place/{name}" for name in leftovers(place)]
    assert publishing.read_manifest(open_destination(str(place))) == done.manifest
    assert publishing.read_manifest(open_destination(place.as_uri())) == done.manifest
    assert done.manifest.metadata == FACTS
    entry = done.manifest.files[0]
    assert (entry.name, entry.path, entry.generation) == (NAMES[0], NAMES[0], None)
    assert done.manifest.uri(entry) == f"{place}/{NAMES[0]}"
    assert place.stat().st_mode & 0o777 == 0o755


def test_the_same_again_changes_nothing(files: dict[str, Path], tmp_path: Path) -> None:
    place = tmp_path / "place"
    first = publishing.publish(files, open_destination(str(place)), FACTS)
    before = (place / MANIFEST).stat().st_mtime_ns
    again = publishing.publish(files, open_destination(place.as_uri()), FACTS)
    assert (again.already, again.manifest) == (True, first.manifest)
    assert (place / MANIFEST).stat().st_mtime_ns == before


@pytest.mark.parametrize("change", ["content", "name", "fewer", "metadata"])
def test_anything_else_is_an_error(files: dict[str, Path], tmp_path: Path, change: str) -> None:
    place, facts = tmp_path / "place", dict(FACTS)
    publishing.publish(files, open_destination(str(place)), facts)
    if change == "content":
        files[NAMES[0]].write_text("another")
    elif change == "metadata":
        facts["rows"] = 4
    else:
        moved = files.pop(NAMES[0])
        files |= {"renamed": moved} if change == "name" else {}
    before = leftovers(tmp_path)
    what = "the metadata" if change == "metadata" else f"'{NAMES[0]}'"
    with pytest.raises(AlreadyExistsError, match=f"other content is already published .{what} differs., in "):
        publishing.publish(files, open_destination(str(place)), facts)
    assert leftovers(tmp_path) == before


def test_a_folder_of_something_else_is_left_alone(files: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    publishing.publish(files, open_destination(str(tmp_path / "mine")))  # empty
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("all of it")
    with pytest.raises(AlreadyExistsError):
        publishing.publish(files, open_destination(str(tmp_path / "other")))
    assert leftovers(tmp_path / "other") == ["thesis.txt"]


def test_a_file_is_no_place(files: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError):
        publishing.publish(files, open_destination(str(tmp_path / "file")))
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.parametrize("name", ["../x", "/x", "a//b", "a/./b", "", "a\nb", MANIFEST, "a\\b"])
def test_names_that_lead_elsewhere(files: dict[str, Path], tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name"):
        publishing.publish({name: files[NAMES[0]]}, open_destination(str(tmp_path / "place")))


def test_names_that_exclude_each_other(files: dict[str, Path], tmp_path: Path) -> None:
    one = files[NAMES[0]]
    with pytest.raises(UsageError, match="'a' is a file and the folder of 'a/b/c'"):
        publishing.publish({"a/b/c": one, "a": one}, open_destination(str(tmp_path / "place")))
    with pytest.raises(UsageError, match=r"two files have the name 'models/a/m\.ubj'"):
        publishing.publish({**files, "models/a/m.ubj": one}, open_destination(str(tmp_path / "place")))


def test_what_is_missing(files: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        publishing.publish({"a": tmp_path / "absent"}, open_destination(str(tmp_path / "place")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoInputError, match="no file in this folder"):
        publishing.publish({**files, "b": tmp_path / "empty"}, open_destination(str(tmp_path / "place")))
    with pytest.raises(NoInputError, match=f"nothing is published here .no {MANIFEST}."):
        publishing.read_manifest(open_destination(str(tmp_path / "empty")))
    assert not (tmp_path / "place").exists()


def test_a_file_that_changes_meanwhile(files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def copy(source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes() + b"!")

    monkeypatch.setattr(storage, "copy_file", copy)
    with pytest.raises(BadDataError, match="changed while it was published"):
        publishing.publish(files, open_destination(str(tmp_path / "place")))
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_fetching(files: dict[str, Path], tmp_path: Path) -> None:
    place = str(tmp_path / "place")
    done = publishing.publish(files, open_destination(place), FACTS)
    assert publishing.fetch(open_destination(place), tmp_path / "all") == done.manifest
    assert leftovers(tmp_path / "all") == NAMES
    assert (tmp_path / "all" / NAMES[2]).read_text() == "content of model/m.ubj"
    publishing.fetch(open_destination(place), tmp_path / "one", [NAMES[0]])
    assert leftovers(tmp_path / "one") == NAMES[:1]
    with pytest.raises(NoInputError, match="no file 'x' is published"):
        publishing.fetch(open_destination(place), tmp_path / "none", ["x"])
    with pytest.raises(AlreadyExistsError, match=f"in {tmp_path}/one"):
        publishing.fetch(open_destination(place), tmp_path / "one")


def test_fetching_what_was_changed(files: dict[str, Path], tmp_path: Path) -> None:
    place = tmp_path / "place"
    publishing.publish(files, open_destination(str(place)))
    (place / NAMES[1]).write_text("content of model/deep/y")
    with pytest.raises(BadDataError, match=f"not the file that was published, in {place}/{NAMES[1]}"):
        publishing.fetch(open_destination(str(place)), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (place / NAMES[1]).unlink()
    with pytest.raises(NoInputError, match=f"this published file is gone, in {place}/{NAMES[1]}"):
        publishing.fetch(open_destination(str(place)), tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["place", "source"]


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document["files"][0].update(path="../../etc/passwd"),
        lambda document: document["files"][0].update(name="/etc/passwd"),
        lambda document: document["files"][0].pop("sha256"),
        lambda document: document.update(format=2),
        lambda document: document.update(metadata=[]),
        lambda document: document.clear(),
    ],
)
def test_a_manifest_that_is_none(files: dict[str, Path], tmp_path: Path, change: object) -> None:
    place = tmp_path / "place"
    publishing.publish(files, open_destination(str(place)))
    document = json.loads((place / MANIFEST).read_text())
    assert callable(change)
    change(document)
    (place / MANIFEST).write_text(json.dumps(document))
    with pytest.raises(BadDataError, match="not a manifest"):
        publishing.fetch(open_destination(str(place)), tmp_path / "out")


def test_a_manifest_that_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    with pytest.raises(UsageError, match="too many"):
        publishing.publish(
            {"x": tmp_path / "x"}, open_destination(str(tmp_path / "place")), {"long": "x" * MAXIMUM_BYTES}
        )
    assert leftovers(tmp_path) == ["x"]


def test_of_many_publishers_one_wins(tmp_path: Path) -> None:
    place, ends = tmp_path / "place", []
    barrier = threading.Barrier(6)
    for number in range(6):
        (tmp_path / str(number)).write_text(f"from {number}")

    def run(number: int) -> None:
        barrier.wait()
        try:
            publishing.publish({"who": tmp_path / str(number)}, open_destination(str(place)))
            ends.append(number)
        except AlreadyExistsError:
            pass

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ends) == 1
    assert (place / "who").read_text() == f"from {ends[0]}"
    assert sorted(path.name for path in tmp_path.iterdir()) == [*map(str, range(6)), "place"]


def test_objects_are_named_by_their_content() -> None:
    entry = Entry("a=1/part-0.tar.gz", "", 1, "0123456789abcdef" * 4, "")
    assert object_name(entry) == "a=1/part-0-0123456789ab.tar.gz"
    assert object_name(Entry("plain", "", 1, "f" * 64, "")) == "plain-ffffffffffff"
