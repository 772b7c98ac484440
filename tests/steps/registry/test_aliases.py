from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from steps.registry.champion_gate import Verdict

from steps.core.errors import BadDataError, TransientError
from steps.registry import aliases
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

    def decide(present: str | None) -> Verdict:
        asked.append(present)
        return Verdict(True, "why")

    moved = aliases.move_alias(Busy(tmp_path), "champion", "mine", decide)
    assert asked == [None, "other-1", "other-0"]
    assert (moved.version, moved.previous, moved.moved) == ("mine", "other-0", True)
    Busy.left = 1000
    with pytest.raises(TransientError, match="others kept moving this alias"):
        aliases.move_alias(Busy(tmp_path), "champion", "again")


def test_an_alias_is_created_moved_and_left_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    first = aliases.move_alias(folder, "candidate", "a")
    assert (first.version, first.previous, first.moved, first.reason) == ("a", None, True, "newest")
    again = aliases.move_alias(folder, "candidate", "a")
    assert (again.version, again.previous, again.moved, again.reason) == ("a", "a", False, "unchanged")
    refused = aliases.move_alias(folder, "candidate", "b", lambda _: Verdict(False, "worse"))
    assert (refused.version, refused.moved, refused.reason) == ("a", False, "worse")
    moved = aliases.move_alias(folder, "candidate", "b")
    assert (moved.version, moved.previous, moved.moved) == ("b", "a", True)
    assert json.loads((tmp_path / "aliases/candidate.json").read_text())["version"] == "b"
    assert moved.to_dict()["uri"] == f"{tmp_path}/aliases/candidate.json"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 1}'])
def test_a_file_that_names_no_version(tmp_path: Path, text: str) -> None:
    (tmp_path / "aliases").mkdir()
    (tmp_path / "aliases" / "candidate.json").write_text(text)
    with pytest.raises(BadDataError, match=r"this does not name a version, in .*candidate\.json: remove it"):
        aliases.move_alias(Folder(tmp_path), "candidate", "a")
