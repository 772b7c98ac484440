from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from steps.registry.versions import VersionFacts
from tests.workflows.terminal.test_result_tables import drawn
from workflows.terminal.registry_tables import describe_decision, versions_table

REFUSED = {"action": "register", "champion": "a", "verdict": "worse", "promotes": False, "reason": "x", "forced": None}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "worse than a, not promoted"),
        ({"verdict": "first", "champion": None, "promotes": True}, "first, promoted"),
        ({"promotes": True, "forced": "why"}, "worse than a, promoted, forced (why)"),
        ({"verdict": "undecided"}, "undecided, not promoted"),
        ({"action": "rollback", "reason": "rolled back from b"}, "rolled back from b"),
    ],
)
def test_decisions_in_words(changes: dict[str, Any], text: str) -> None:
    assert describe_decision(REFUSED | changes) == text
    assert describe_decision(None) == "–"


def test_the_table() -> None:
    facts = [
        VersionFacts("a", "2026-11-26T21:06:01Z", 0.7616, 0.6, ("candidate", "champion"), REFUSED, ""),
        VersionFacts("b [x]", "", None, None, (), None, "no manifest"),
    ]
    lines = drawn(versions_table(facts)).splitlines()
    first = ["a", "2026-11-26", "21:06", ".7616", ".6000", "candidate,", "champion"]
    assert lines[1].split() == [*first, "worse", "than", "a,", "not", "promoted"]
    assert lines[2].split() == ["b", "[x]", "–", "–", "–", "cannot", "be", "used:", "no", "manifest"]


def test_a_narrow_terminal_cuts_nothing() -> None:
    against = "covertype-20261126-221248-f0a8"
    fact = VersionFacts(
        f"{against}-b", "2026-11-26T21:06:01Z", 0.7, 0.6, ("candidate",), REFUSED | {"champion": against}, ""
    )
    console = Console(file=io.StringIO(), width=80)
    console.print(versions_table([fact]))
    assert isinstance(console.file, io.StringIO)
    assert "…" not in console.file.getvalue()
