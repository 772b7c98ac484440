from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from steps.registry.aliases import move_alias
from steps.registry.destinations import Folder
from tests.workflows.command_line import invoke
from tests.workflows.compared_runs import make_run, make_version

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Chain


def test_compare(tmp_path: Path, chain: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(tmp_path, "a", chain)
    make_run(tmp_path, "b", chain)
    assert invoke("compare", "a", "b", "--output", tmp_path) == 0
    printed = capsys.readouterr()
    assert "gain of B" in printed.out
    assert "parameters: no difference" in printed.out
    assert printed.err == ""
    assert invoke("compare", "a", "b", "--output", tmp_path, "--json") == 0
    assert json.loads(capsys.readouterr().out)["second"]["name"] == "b"


def test_versions_of_a_registry(tmp_path: Path, chain: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    make_version(tmp_path / "registry", make_run(tmp_path / "runs", "a", chain))
    words = ("compare", "a", "b", "--output", tmp_path / "runs", "--registry", tmp_path / "registry")
    assert invoke(*words) == 66
    error = capsys.readouterr().err
    assert "there is no version and no alias 'b'" in error
    assert error.count("\n") == 1
    make_run(tmp_path / "runs", "b", chain)
    assert invoke(*words, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["first"]["kind"], found["second"]["kind"]) == ("version", "run")


def test_a_run_or_version_with_itself(tmp_path: Path, chain: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(tmp_path / "runs", "a", chain)
    assert invoke("compare", "a", "a", "--runs", tmp_path / "runs") == 0
    assert capsys.readouterr().out == f"a and a are the same run: {run}\n"
    make_version(tmp_path / "registry", run)
    move_alias(Folder(tmp_path / "registry"), "champion", "a")
    words = ("compare", "champion", "a", "--registry", tmp_path / "registry")
    assert invoke(*words) == 0
    assert capsys.readouterr().out == f"champion and a are the same version: {tmp_path}/registry/versions/a\n"
    assert invoke(*words, "--json") == 0
    assert {each["gain"] for each in json.loads(capsys.readouterr().out)["metrics"]} == {0.0}


@pytest.mark.parametrize("missing", ["a", "b"])
def test_an_unknown_run(tmp_path: Path, chain: Chain, capsys: pytest.CaptureFixture[str], missing: str) -> None:
    make_run(tmp_path, "a" if missing == "b" else "b", chain)
    assert invoke("compare", "a", "b", "--output", tmp_path) == 66
    error = capsys.readouterr().err
    assert f"run '{missing}' has no result" in error
    assert error.count("\n") == 1
