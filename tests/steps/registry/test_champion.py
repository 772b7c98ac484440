"""Promotions and rollbacks; how the gate decides at a registration is in tests/steps/test_register.py."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from steps.comparison.policy import Policy
from steps.core import storage
from steps.core.errors import BadDataError, NoInputError, UsageError
from steps.registry import champion, decisions, publishing
from steps.registry.aliases import read_alias
from steps.registry.decisions import PROMOTE
from steps.registry.destinations import Folder
from tests.steps.test_register import Runs
from tests.support import leftovers

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


@pytest.fixture
def registry(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "registry")


def register(registry: Folder, runs: Runs, *qualities: float) -> None:
    for quality in qualities:
        assert runs(pr_auc=quality).register(registry.root).code == 0


def forget_champion(registry: Folder) -> None:
    """Make the registry one without a champion."""
    for name in ("aliases", "decisions"):
        shutil.rmtree(registry.root / name)


def champion_of(registry: Folder) -> str | None:
    found = read_alias(registry, "champion")
    return found.version if found else None


def promote(registry: Folder, version: str, forced: str = "", policy: Policy | None = None) -> champion.Outcome:
    return champion.promote(registry, champion.Request(version, policy or Policy(), PROMOTE, forced))


def test_a_refused_version_is_forced(registry: Folder, runs: Runs) -> None:
    register(registry, runs, 0.9, 0.8)
    refused = promote(registry, "b")
    assert (refused.move.moved, champion_of(registry)) == (False, "a")
    assert refused.decision
    assert refused.decision.path == "decisions/b/1.json"  # that of the registration: nothing has changed since
    forced = promote(registry, "b", "the old one is too large")
    assert (forced.move.moved, champion_of(registry)) == (True, "b")
    assert forced.decision
    document = storage.read_json(registry.root / "decisions/b/2.json")
    assert document == {key: value for key, value in forced.decision.to_dict().items() if key != "path"}
    assert (document["forced"], document["verdict"], document["promotes"]) == (
        "the old one is too large",
        "worse",
        True,
    )
    assert document["gate"]["promotes"] is False
    assert document["reason"].startswith("forced (the old one is too large); the gate: worse: ")
    again = promote(registry, "b")
    assert (again.move.moved, again.move.reason, again.decision) == (False, "unchanged", None)


def test_another_policy_is_another_decision(registry: Folder, runs: Runs) -> None:
    register(registry, runs, 0.9, 0.9)
    assert promote(registry, "b", policy=Policy(promote=("better", "not worse"))).move.moved
    stored = decisions.list_decisions(registry, "b")
    assert [each.document["promotes"] for each in stored] == [False, True]
    assert stored[0].document["policy_sha256"] != stored[1].document["policy_sha256"]
    assert [each.document["earlier_uses_of_test_rows"] for each in stored] == [1, 2]


def test_rollbacks_walk_back_and_restore_every_byte(registry: Folder, runs: Runs, tmp_path: Path) -> None:
    before: dict[str, dict[str, bytes]] = {}
    for quality in (0.8, 0.9, 0.95):
        register(registry, runs, quality)
        version = champion_of(registry) or ""
        folder = registry.root / "versions" / version
        before[version] = {name: (folder / name).read_bytes() for name in leftovers(folder)}
    assert list(before) == ["a", "b", "c"]
    for version in ("b", "a"):
        done = champion.rollback(registry, "too slow")
        assert (done.move.version, champion_of(registry)) == (version, version)
        publishing.fetch(registry.below(f"versions/{version}"), tmp_path / f"fetched-{version}")
        found = {
            name: (tmp_path / f"fetched-{version}" / name).read_bytes()
            for name in before[version]
            if name != "manifest.json"
        }
        assert found == {name: data for name, data in before[version].items() if name != "manifest.json"}
    document = storage.read_json(registry.root / "decisions/a/2.json")
    assert (document["action"], document["champion"]) == ("rollback", "b")
    assert document["reason"] == "rolled back from b: too slow"
    with pytest.raises(UsageError, match="there was no champion before 'a'"):
        champion.rollback(registry)
    assert promote(registry, "c").move.moved
    assert champion.rollback(registry).move.version == "a"


def test_a_registration_again_does_not_undo_a_rollback(registry: Folder, runs: Runs) -> None:
    register(registry, runs, 0.8)
    better = runs(pr_auc=0.9)
    assert better.register(registry.root).code == 0
    champion.rollback(registry, "wrong in the north")
    again = better.register(registry.root)  # as the retry of a pod does
    assert again.code == 0
    assert "b was champion before a rollback: `promote` asks the gate again" in again.log
    assert champion_of(registry) == "a"
    promoted = promote(registry, "b")
    assert (promoted.move.moved, champion_of(registry)) == (True, "b")
    assert promoted.decision
    assert promoted.decision.document["verdict"] == "better"
    assert champion.rollback(registry).move.version == "a"
    assert promote(registry, "b").move.moved  # judged again, by the same rows and policy


def test_a_rollback_without_a_champion(registry: Folder) -> None:
    with pytest.raises(NoInputError, match=r"there is no champion to roll back"):
        champion.rollback(registry)


def test_a_rollback_to_a_version_that_is_gone(registry: Folder, runs: Runs) -> None:
    register(registry, runs, 0.8, 0.95)
    (registry.root / "versions/a/manifest.json").unlink()
    with pytest.raises(
        NoInputError, match=r"the champion before, 'a', cannot be used: version 'a' has no manifest\.json"
    ):
        champion.rollback(registry)
    shutil.rmtree(registry.root / "versions/a")
    with pytest.raises(NoInputError, match=r"the champion before, 'a', cannot be used: .*`promote VERSION`"):
        champion.rollback(registry)
    assert champion_of(registry) == "b"
    assert decisions.list_decisions(registry, "a")[-1].document["action"] == "register"


def test_a_rollback_skips_the_champion_itself(registry: Folder, runs: Runs) -> None:
    register(registry, runs, 0.8, 0.95)
    path = registry.root / "aliases/champion.json"
    for earlier, version in ((["a", "b"], "a"), (["b", "b"], None)):
        storage.write_json(path, {"version": "b", "earlier": earlier})
        if version:
            assert champion.rollback(registry).move.version == version
            continue
        with pytest.raises(UsageError, match="there was no champion before 'b'"):
            champion.rollback(registry)


def test_a_champion_whose_alias_is_gone(registry: Folder, runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    register(registry, runs, 0.8, 0.95)
    shutil.rmtree(registry.root / "aliases")
    with pytest.raises(NoInputError, match=r"there is no champion to roll back, .*: `promote b` restores it"):
        champion.rollback(registry)
    register(registry, runs, 0.9)  # worse than b: no "first" champion
    assert champion_of(registry) == "b"
    assert decisions.list_decisions(registry, "c")[-1].document["verdict"] == "worse"
    shutil.rmtree(registry.root / "aliases")
    capsys.readouterr()
    assert promote(registry, "b").move.reason == "unchanged"
    assert "champion.json was missing: b is champion again" in capsys.readouterr().err
    assert champion.rollback(registry).move.version == "a"


def test_versions_that_cannot_be_promoted(registry: Folder, runs: Runs) -> None:
    register(registry, runs, 0.9, 0.95)
    forget_champion(registry)
    folder = registry.root / "versions/b"
    with pytest.raises(NoInputError, match="there is no version and no alias 'x'"):
        promote(registry, "x")
    with pytest.raises(NoInputError, match="there is no version and no alias"):
        promote(registry, "../versions/b")
    (folder / "test-scores.parquet").write_bytes(b"changed")
    with pytest.raises(BadDataError, match="this is not the file that was published"):
        promote(registry, "b")
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(BadDataError, match="not a manifest of published files"):
        promote(registry, "b")
    assert champion_of(registry) is None


def test_a_version_of_an_older_release_needs_force(registry: Folder, runs: Runs) -> None:
    register(registry, runs, 0.9, 0.95)
    forget_champion(registry)
    path = registry.root / "versions/b/manifest.json"
    manifest = storage.read_json(path)
    manifest["files"] = [entry for entry in manifest["files"] if entry["name"] != "test-scores.parquet"]
    del manifest["content_sha256"]  # manifests of older releases have none
    storage.write_json(path, manifest)
    refused = promote(registry, "b")
    assert refused.move.version is None
    assert refused.move.reason.startswith("not comparable: version b has no test scores")
    assert promote(registry, "b", "it has served for a year").move.version == "b"
