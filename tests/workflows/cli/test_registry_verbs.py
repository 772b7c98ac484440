"""The verbs about a registry; what they do to it is in tests/steps/registry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.steps.test_register import Runs
from tests.workflows.command_line import invoke

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """A registry of two versions, of which the second is worse."""
    runs, root = Runs(tmp_path), tmp_path / "registry"
    for quality in (0.9, 0.8):
        runs(pr_auc=quality).register(root)
    return root


def test_the_cycle(registry: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke("versions", "--registry", registry) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines() if line[:1].strip()] == [
        "version",
        "a",
        "b",
    ]
    assert invoke("promote", "candidate", "--registry", registry) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith(f"a is still champion in {registry}\ndecision {registry}/decisions/b/1.json\n")
    assert printed.err.startswith("error: b is not promoted: worse: ")
    assert (printed.out + printed.err).count("worse: ") == 1
    assert printed.err.endswith("use --force REASON to promote it all the same\n")
    assert invoke("promote", "b", "--registry", registry, "--force", "a trial", "--json") == 0
    forced = json.loads(capsys.readouterr().out)
    assert (forced["champion"]["version"], forced["decision"]["forced"]) == ("b", "a trial")
    assert invoke("rollback", "--registry", registry, "--reason", "slow") == 0
    assert capsys.readouterr().out == (
        f"a is now champion in {registry}, before b: rolled back from b: slow\ndecision {registry}/decisions/a/2.json\n"
    )
    assert invoke("versions", "--registry", registry, "--json") == 0
    found = {each["version"]: each for each in json.loads(capsys.readouterr().out)}
    assert found["a"]["aliases"] == ["champion"]
    assert found["a"]["decision"]["action"] == "rollback"
    assert invoke("rollback", "--registry", registry) == 2
    assert (
        capsys.readouterr().err == f"error: there was no champion before 'a', in {registry}: promote another version\n"
    )


def test_damaged_files_are_named_after_the_list(registry: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (registry / "aliases/champion.json").write_text('{"version": "../a"}')
    assert invoke("versions", "--registry", registry) == 65
    printed = capsys.readouterr()
    assert [line.split()[0] for line in printed.out.splitlines() if line[:1].strip()] == ["version", "a", "b"]
    assert printed.err.startswith(
        f"error: this does not name a version, in {registry}/aliases/champion.json: remove it"
    )
    (registry / "decisions/a/1.json").write_text("")
    assert invoke("versions", "--registry", registry, "--json") == 65
    printed = capsys.readouterr()
    assert len(json.loads(printed.out)) == 2
    assert printed.err.startswith("error: 2 files of this registry are damaged, in ")
    assert printed.err.count("\n") == 1


def test_a_policy(registry: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[margins]\nf2 = 1")
    assert invoke("promote", "b", "--registry", registry, "--policy", policy) == 78
    assert "unknown key 'margins.f2'" in capsys.readouterr().err
    assert invoke("promote", "b", "--registry", registry, "--policy", tmp_path / "none.toml") == 66
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("verb", [("versions",), ("promote", "a"), ("rollback",)])
def test_a_registry_that_is_none(
    verb: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COVERTYPE_REGISTRY", raising=False)
    assert invoke(*verb) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: a registry is needed, in --registry: ")
    assert "COVERTYPE_REGISTRY" in error
    assert invoke(*verb, "--registry", tmp_path) == 66
    assert capsys.readouterr().err.count("\n") == 1
    assert invoke(*verb, "--registry", "ftp://x/y") != 0
    assert capsys.readouterr().err.count("\n") == 1
    monkeypatch.setenv("COVERTYPE_REGISTRY", str(tmp_path))
    assert invoke(*verb) == 66
    assert list(tmp_path.iterdir()) == []


def test_words_that_are_refused(registry: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke("promote", "b", "--registry", registry, "--force", " ") == 2
    assert "a reason is needed, in --force" in capsys.readouterr().err
    assert invoke("promote", "c", "--registry", registry) == 66
    assert capsys.readouterr().err.startswith(
        f"error: there is no version and no alias 'c', in {registry}: check --registry and the name: `versions` lists"
    )


def test_a_reason_that_is_not_utf_8(registry: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, flag in ((("promote", "b"), "--force"), (("rollback",), "--reason")):
        assert invoke(*words, "--registry", registry, flag, "a\udcff") == 2
        assert capsys.readouterr().err == f"error: the reason is not UTF-8, in {flag}: write it in UTF-8\n"
