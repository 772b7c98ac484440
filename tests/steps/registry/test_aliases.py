from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from steps.core.errors import BadDataError, NoInputError, TransientError
from steps.registry import aliases
from steps.registry.aliases import Alias, Choice
from steps.registry.destinations import Folder

if TYPE_CHECKING:
    from pathlib import Path


def test_an_alias_that_somebody_else_moves_is_decided_again(tmp_path: Path) -> None:
    class Busy(Folder):
        """A folder in which somebody else is always a little faster, so many times."""

        left = 2

        def write(self, name: str, data: bytes, expected: Any) -> None:
            if Busy.left:
                Busy.left -= 1
                other = json.dumps({"version": f"other-{Busy.left}"}).encode()
                super().write(name, other, self.read(name))
            super().write(name, data, expected)

    asked: list[str | None] = []

    def choose(present: Alias | None) -> Choice:
        asked.append(present.version if present else None)
        return Choice("mine", "why")

    moved = aliases.change_alias(Busy(tmp_path), "champion", choose)
    assert asked == [None, "other-1", "other-0"]
    assert (moved.version, moved.previous, moved.moved) == ("mine", "other-0", True)
    Busy.left = 1000
    with pytest.raises(TransientError, match="others kept moving this alias"):
        aliases.move_alias(Busy(tmp_path), "champion", "again")


def test_an_alias_is_created_moved_and_left_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert aliases.read_alias(folder, "candidate") is None
    first = aliases.move_alias(folder, "candidate", "a")
    assert (first.version, first.previous, first.moved, first.reason) == ("a", None, True, "newest")
    again = aliases.move_alias(folder, "candidate", "a")
    assert (again.version, again.previous, again.moved, again.reason) == ("a", "a", False, "unchanged")
    refused = aliases.change_alias(folder, "candidate", lambda _: Choice(None, "worse", "decisions/b/1.json"))
    assert (refused.version, refused.moved, refused.reason) == ("a", False, "worse")
    assert refused.decision == "decisions/b/1.json"
    moved = aliases.move_alias(folder, "candidate", "b")
    assert (moved.version, moved.previous, moved.moved) == ("b", "a", True)
    assert json.loads((tmp_path / "aliases/candidate.json").read_text())["version"] == "b"
    assert moved.to_dict()["uri"] == f"{tmp_path}/aliases/candidate.json"


def test_an_alias_keeps_the_versions_before(tmp_path: Path) -> None:
    folder, names = Folder(tmp_path), tuple(f"v{number}" for number in range(150))
    aliases.change_alias(folder, "champion", lambda _: Choice("new", "why", "decisions/new/1.json", names))
    found = aliases.read_alias(folder, "champion")
    assert found is not None
    assert (found.version, found.decision, found.earlier) == ("new", "decisions/new/1.json", names[-100:])
    assert found.at.endswith("Z")


def test_an_alias_of_an_older_release(tmp_path: Path) -> None:
    (tmp_path / "aliases").mkdir()
    (tmp_path / "aliases" / "champion.json").write_text('{"version": "b", "previous": "a", "reason": "better"}')
    assert aliases.read_alias(Folder(tmp_path), "champion") == Alias("b", "a", "better", earlier=("a",))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"version": 1}',
        '{"version": "../../runs/a"}',
        '{"version": "/tmp"}',
        '{"version": ".."}',
        '{"version": "a", "earlier": [1]}',
        '{"version": "a", "earlier": "b"}',
        '{"version": "a", "earlier": ["../b"]}',
        '{"version": "a", "previous": "../b"}',
    ],
)
def test_a_file_that_names_no_version(tmp_path: Path, text: str) -> None:
    (tmp_path / "aliases").mkdir()
    (tmp_path / "aliases" / "candidate.json").write_text(text)
    with pytest.raises(BadDataError, match=r"this does not name a version, in .*candidate\.json: remove it"):
        aliases.move_alias(Folder(tmp_path), "candidate", "a")


def test_a_name_that_is_no_version_and_no_alias(tmp_path: Path) -> None:
    aliases.move_alias(Folder(tmp_path), "candidate", "a")
    assert aliases.resolve(Folder(tmp_path), "candidate") == "a"
    with pytest.raises(NoInputError, match="there is no version and no alias 'b'"):
        aliases.resolve(Folder(tmp_path), "b")


@pytest.mark.parametrize("name", ["", "x" * 400, "../versions/v1/manifest", "champion.json/x", "a\udcff"])
def test_a_name_that_none_can_have_is_no_version(tmp_path: Path, name: str) -> None:
    folder = Folder(tmp_path)
    aliases.move_alias(folder, "champion", "v1")
    with pytest.raises(NoInputError, match="there is no version and no alias"):
        aliases.resolve(folder, name)
