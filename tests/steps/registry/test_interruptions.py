"""Real processes that are killed while they change a registry, or change it at the same time; in a folder.

Buckets are in tests/emulators/test_registry_interruptions.py.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from steps.registry import decisions
from steps.registry.destinations import Folder
from tests.steps.registry import churn

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, fork_server: None) -> Path:  # noqa: ARG001 - for the processes
    """The files of runs."""
    folder = tmp_path_factory.mktemp("runs")
    churn.make_runs(folder)
    return folder


@pytest.mark.kills
def test_killed_at_any_moment_nothing_is_half_there(made: Path, tmp_path: Path) -> None:
    """Registrations, promotions and rollbacks are killed; the champion is the old one or the new one, and whole."""
    moments, registry, before = random.Random(5), Folder(tmp_path / "registry"), {""}
    for number in range(3):
        process = churn.start(str(registry.root), made, f"p{number}", 1000, "register", "promote", "rollback")
        lines = process.kill(moments)
        churn.check(registry)
        assert churn.champion_of(registry) in churn.expected_champions(lines, before)
        before = churn.possible_champions(registry)
    after = churn.start(str(registry.root), made, "after", 1, "register")
    after.finish()
    assert "after-0" in {each.name for each in (registry.root / "versions").iterdir()}


def test_of_registrations_at_once_none_is_lost(made: Path, tmp_path: Path) -> None:
    """Each champion was compared with the one before it, so that no better one was replaced unseen."""
    registry = Folder(tmp_path / "registry")
    names = ("p", "q", "r")
    processes = [churn.start(str(registry.root), made, name, 3, "register") for name in names]
    for process in processes:
        process.finish()
    alias = churn.check(registry)
    versions = {each.name for each in (registry.root / "versions").iterdir()}
    assert versions == {f"{name}-{number}" for name in names for number in range(3)}
    assert alias
    chain = [*alias.earlier, alias.version]
    judged = decisions.list_decisions(registry)
    assert {each.version for each in judged} == versions
    promoted = {(each.document["champion"], each.version) for each in judged if each.document["promotes"]}
    assert set(zip([None, *chain], chain, strict=False)) <= promoted
