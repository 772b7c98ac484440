"""The registry of the verbs about models: the flag, the folder of runs, and the variable."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer.main

from steps.core.errors import PipelineError, UsageError
from tests.workflows.command_line import invoke
from workflows.cli import registry_flag
from workflows.covertype import app

# Every verb that has the flag, with words that make it read the registry.
VERBS = {
    "predict": ("--input=a.csv", "--output=b.csv"),
    "serve": (),
    "compare": ("a", "b"),
    "versions": (),
    "promote": ("a",),
    "rollback": (),
    "verify": ("champion",),
    "sign": ("a", "--keyless"),
    "reproduce": ("a",),
    "log-mlflow": ("a",),
}
# Verbs with the setting, which is read from the variable like every other setting.
WITH_SETTINGS = {
    *("run", "train", "submit", "deploy", "render", "lint", "doctor"),
    *("submit-predict", "deploy-predict", "render-predict"),
}


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COVERTYPE_REGISTRY", raising=False)
    return tmp_path


def test_the_verbs_are_all_that_have_the_flag() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    found = {name for name, command in commands.items() if any(each.name == "registry" for each in command.params)}
    assert found == set(VERBS) | WITH_SETTINGS


@pytest.mark.parametrize("verb", sorted(VERBS.keys() - {"predict", "serve"}))  # they start a process, see below
def test_a_verb_reads_the_variable(
    verb: str, empty: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    if verb == "log-mlflow":
        pytest.importorskip("mlflow", exc_type=ImportError)
    monkeypatch.setenv("COVERTYPE_REGISTRY", str(empty / "the-registry"))
    assert invoke(verb, *VERBS[verb]) == 66
    assert f"in {empty}/the-registry: " in capfd.readouterr().err
    monkeypatch.setenv("COVERTYPE_REGISTRY", "ftp://x")
    assert invoke(verb, *VERBS[verb]) == 78
    assert "unknown kind of registry ftp://" in capfd.readouterr().err


def test_what_the_command_line_says_comes_first(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = registry_flag.registry_or_runs
    assert find(None, None) == ""
    monkeypatch.setenv("COVERTYPE_REGISTRY", "reg")
    (empty / "runs/mine").mkdir(parents=True)
    assert find(None, None) == "reg"
    assert find("other", None, "mine") == "other"
    assert find("", None) == ""
    assert find(None, Path("folder")) == ""
    assert find("other", Path("folder")) == "other"
    assert find(None, None, "mine") == ""
    assert find(None, None, "mine", "theirs") == "reg"
    assert find(None, None, "") == "reg"


def test_an_address_that_is_none() -> None:
    with pytest.raises(UsageError, match=r"a registry is needed, in --registry: .*COVERTYPE_REGISTRY"):
        registry_flag.open_registry(None)
    with pytest.raises(UsageError, match="must not hold a user name or password"):
        registry_flag.registry_uri("s3://me:secret@bucket")
    with pytest.raises(PipelineError, match="unknown kind of registry"):
        registry_flag.open_registry("bq://a.b.c")
