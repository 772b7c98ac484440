"""The champions by the decisions; what a promotion does with them is in test_champion.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steps.registry import succession
from steps.registry.aliases import move_alias, read_alias
from steps.registry.decisions import StoredDecision, store_decision
from steps.registry.destinations import Folder

if TYPE_CHECKING:
    from pathlib import Path

# Version, champion before, action, and whether it promotes.
Made = tuple[str, str | None, str, bool]


def decisions_of(made: list[Made]) -> list[StoredDecision]:
    keys = ("champion", "action", "promotes")
    return [
        StoredDecision(version, number, {**dict(zip(keys, rest, strict=True)), "at": "x", "reason": f"why {version}"})
        for number, (version, *rest) in enumerate(made, 1)
    ]


@pytest.mark.parametrize(
    ("made", "version", "earlier"),
    [
        ([("a", None, "register", True), ("b", "a", "register", True)], "b", ("a",)),
        ([("a", None, "register", True), ("b", "a", "register", False)], "a", ()),
        (
            [("a", None, "register", True), ("b", "a", "promote", True), ("a", "b", "rollback", True)],
            "a",
            (),
        ),
        (  # c was decided against a, and b was faster
            [
                ("a", None, "register", True),
                ("c", "a", "register", True),
                ("b", "a", "register", True),
                ("c", "b", "register", False),
            ],
            "b",
            ("a",),
        ),
        # The first champion is of a release without decisions.
        ([("b", "old", "register", True)], "b", ("old",)),
        # The process that decided b was killed before the alias was moved.
        ([("a", None, "register", True), ("b", "a", "register", True), ("c", "a", "register", False)], "a", ()),
    ],
)
def test_the_champion_after_decisions(made: list[Made], version: str, earlier: tuple[str, ...]) -> None:
    found = succession.last_champion(decisions_of(made))
    assert found is not None
    assert (found.version, found.earlier) == (version, earlier)
    last = max(number for number, each in enumerate(made, 1) if each[0] == version and each[3])
    assert found.decision == f"decisions/{version}/{last}.json"


@pytest.mark.parametrize("made", [[], [("a", None, "register", False)], [("b", "old", "register", False)]])
def test_decisions_without_a_champion(made: list[Made]) -> None:
    assert succession.last_champion(decisions_of(made)) is None


def test_only_a_missing_alias_of_a_version_that_is_there_is_restored(tmp_path: Path) -> None:
    registry = Folder(tmp_path)
    facts = {"action": "register", "champion": None, "verdict": "first", "promotes": True, "reason": "there was none"}
    stored = store_decision(registry, "a", facts)
    succession.restore_champion(registry)
    assert read_alias(registry, "champion") is None  # the version is gone
    (tmp_path / "versions/a").mkdir(parents=True)
    (tmp_path / "versions/a/manifest.json").write_text("{}")
    succession.restore_champion(registry)
    found = read_alias(registry, "champion")
    assert found is not None
    assert (found.version, found.decision, found.reason) == ("a", stored.path, "there was none")
    move_alias(registry, "champion", "b")
    succession.restore_champion(registry)
    found = read_alias(registry, "champion")
    assert found is not None
    assert found.version == "b"
