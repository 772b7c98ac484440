from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.emulators.processes import free_port
from tests.workflows.command_line import invoke
from tests.workflows.tracking.conftest import (
    SMALL,
    Made,
    _own_environment,
    empty_database,
    made,
    made_once,
    mlflow_library,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["_own_environment", "empty_database", "made", "made_once", "mlflow_library"]

PASSWORD = "s3cr3t-pass-w0rd"  # noqa: S105 - of nothing


@pytest.mark.usefixtures("mlflow_library")
def test_runs_and_versions_are_logged_and_named(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke("log-mlflow", made.champion, "--output", made.runs) == 0
    assert f"{made.champion} is logged in experiment covertype of sqlite:" in capsys.readouterr().out
    assert invoke("log-mlflow", made.champion, "--output", made.runs, "--json") == 0
    assert json.loads(capsys.readouterr().out)["already"] is True
    assert invoke("log-mlflow", made.champion, "--runs", made.runs) == 0
    assert f"{made.champion} was already logged in experiment covertype" in capsys.readouterr().out
    assert invoke("log-mlflow", "--registry", made.registry, "--output", made.runs, "--json") == 0
    versions = json.loads(capsys.readouterr().out)["versions"]
    assert {each["version"]: each["aliases"] for each in versions} == {
        made.champion: ["champion"],
        made.candidate: ["candidate"],
    }
    champion = made.registry / "aliases/champion.json"
    champion.write_text(json.dumps({"version": f"../../{made.runs.name}/{made.champion}"}))
    assert invoke("log-mlflow", "--registry", made.registry, "--output", made.runs) == 65
    assert f"this does not name a version, in {champion}" in capsys.readouterr().err
    champion.unlink()
    assert invoke("log-mlflow", "--registry", made.registry, "--output", made.runs) == 0
    assert "the registry has no champion" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("none",), 66, "there is no such run"),
        (("none", "--registry", "registry"), 66, "no version and no alias 'none'"),
        (("--registry", "empty"), 66, "neither a champion nor a candidate"),
        (("--registry", f"s3://me:{PASSWORD}@bucket/x"), 2, "must not hold a user name or password"),
        (("--registry", "ftp://host"), 2, "ftp"),
    ],
)
@pytest.mark.usefixtures("mlflow_library")
def test_what_cannot_be_logged_is_one_line(  # noqa: PLR0913, PLR0917 - one a column
    made: Made,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    code: int,
    text: str,
) -> None:
    monkeypatch.chdir(made.folder)
    assert invoke("log-mlflow", *words) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    [line] = printed.err.splitlines()
    assert line.startswith("error: ")
    assert text in line
    assert PASSWORD not in line


@pytest.mark.usefixtures("mlflow_library")
def test_a_run_that_cannot_be_logged_is_finished_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, registry = tmp_path / "runs", tmp_path / "registry"
    arguments = ("run", *SMALL, "--cover-types", "1", "--output", runs, "--mlflow", "--json")
    os.environ["MLFLOW_TRACKING_URI"] = f"http://me:{PASSWORD}@127.0.0.1:{free_port()}"
    assert invoke(*arguments) == 76
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert (result["status"], result["exit_code"], result["mlflow"]) == ("Succeeded", 0, None)
    lines = [line for line in printed.err.splitlines() if line.startswith("error:")]
    assert lines == [printed.err.splitlines()[-1]]
    assert f"run {result['run']} is finished but not in MLflow: cannot reach the MLflow server" in lines[0]
    assert f"`log-mlflow {result['run']}`" in lines[0]
    assert PASSWORD not in printed.out + printed.err
    del os.environ["MLFLOW_TRACKING_URI"]
    assert invoke("show", result["run"], "--output", runs) == 0
    assert invoke(*arguments, "--registry", registry) == 0
    logged = json.loads(capsys.readouterr().out.splitlines()[-1])["mlflow"]
    assert [each["aliases"] for each in logged["versions"]] == [["champion", "candidate"]]


@pytest.mark.usefixtures("mlflow_library")
def test_a_failed_run_keeps_its_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("run", "--source", tmp_path / "none.csv", "--output", tmp_path / "runs", "--mlflow")
    assert invoke(*arguments) == 66
    assert "is logged in experiment covertype" in capsys.readouterr().err
    os.environ["MLFLOW_TRACKING_URI"] = f"http://127.0.0.1:{free_port()}"
    assert invoke(*arguments) == 66
    assert "is finished but not in MLflow" in capsys.readouterr().err


def test_without_mlflow_a_run_ends_with_a_line_that_says_how_to_install_it(
    made: Made, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    before = sorted(made.runs.iterdir())
    for words in (("log-mlflow", made.champion), ("run", *SMALL, "--mlflow")):
        assert invoke(*words, "--output", made.runs) == 78
        [line] = capsys.readouterr().err.splitlines()
        assert line == "error: MLflow is not installed: install it with `make mlflow`"
    assert sorted(made.runs.iterdir()) == before  # the run did not start
