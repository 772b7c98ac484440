"""The verbs ``verify``, ``sign`` and ``reproduce`` on a registry in a folder."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from steps.provenance import links
from tests.registered_run import PASSWORD, SLUGS, VERSION, change_json, flip_byte
from tests.workflows.command_line import invoke
from workflows.cli import verify_verbs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def registry(tmp_path: Path, registered: Path) -> Path:
    shutil.copytree(registered, tmp_path / "registry")
    return tmp_path / "registry"


def test_a_version_and_its_aliases(registry: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert invoke("verify", "champion", "--registry", registry, "--json") == 0
    chain = json.loads(capfd.readouterr().out)
    assert [link["link"] for link in chain] == list(links.NAMES)
    assert invoke("verify", VERSION, "--registry", registry) == 0
    shown = capfd.readouterr()
    assert ("boosters" in shown.out, shown.err) == (True, "")


def test_the_first_broken_link_is_the_error(registry: Path, capfd: pytest.CaptureFixture[str]) -> None:
    flip_byte(registry / "versions" / VERSION / "models" / "aspen" / "model.ubj")
    assert invoke("verify", VERSION, "--registry", registry) == 65
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("error: the link 'boosters' is broken, models/aspen/model.ubj: this is not the file")


def test_the_source_again(registry: Path, finished: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["verify", VERSION, "--registry", registry, "--json", "--source"]
    assert invoke(*words, finished / "table.csv") == 0
    assert {link["state"] for link in json.loads(capfd.readouterr().out)[:2]} == {"ok"}
    assert invoke(*words, tmp_path / "nothing.csv") == 66
    (line,) = capfd.readouterr().err.splitlines()
    assert "no such file" in line


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["verify", "nothing"], 66, "no version and no alias 'nothing'"),
        (["verify", VERSION, "--identity=me@example.org"], 2, "--identity and --issuer"),
        (["verify", VERSION, "--key=nothing.pub"], 66, "no such file, in nothing.pub"),
        (["verify", VERSION, "--key=pyproject.toml"], 65, "not signed"),
        (["sign", VERSION], 2, "--key and --keyless"),
        (["sign", VERSION, "--key=nothing.pem"], 66, "no such file"),
        (["sign", "nothing", "--key=nothing.pem"], 66, "no version and no alias"),
        (["reproduce", "nothing"], 66, "no version and no alias"),
        (["reproduce", VERSION, "--schema=tests/data/trees.toml"], 2, "another schema"),
    ],
)
def test_mistakes_are_one_line(
    registry: Path, capfd: pytest.CaptureFixture[str], words: list[str], code: int, text: str
) -> None:
    pytest.importorskip("model_signing", exc_type=ImportError)
    assert invoke(*words, "--registry", registry) == code
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("error")]
    assert (len(lines), text in lines[0]) == (1, True), lines


def test_a_registry_that_is_none_and_aliases_that_are_damaged(
    registry: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert invoke("verify", VERSION, "--registry", tmp_path / "nothing") == 66
    (registry / "aliases" / "champion.json").write_text("{")
    assert invoke("verify", "champion", "--registry", registry) == 65
    change_json(registry / "aliases" / "candidate.json", version="gone")
    assert invoke("verify", "candidate", "--registry", registry) == 66
    assert "names 'gone', which is no version" in capfd.readouterr().err


def test_a_signed_version(
    registry: Path, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("model_signing", exc_type=ImportError)
    words = ["sign", VERSION, "--registry", registry, "--key", keys / "own-locked.pem"]
    monkeypatch.setenv(verify_verbs.PASSWORD_VARIABLE, "quite wrong")
    assert invoke(*words) == 77
    (tmp_path / "password").write_text(PASSWORD + "\n")
    assert invoke(*words, "--password-file", tmp_path / "password") == 0
    assert invoke(*words) == 2
    assert invoke("verify", VERSION, "--registry", registry, "--key", keys / "own.pub") == 0
    assert invoke("verify", VERSION, "--registry", registry, "--key", keys / "other.pub") == 65
    shown = capfd.readouterr()
    assert "signed with another key" in shown.err
    assert "or check that this is the signer that you expect" in shown.err
    assert not {PASSWORD, "quite wrong"} & set(shown.err.splitlines())
    assert PASSWORD not in shown.out + shown.err
    assert "quite wrong" not in shown.out + shown.err


def test_a_broken_version_is_not_signed(registry: Path, keys: Path, capfd: pytest.CaptureFixture[str]) -> None:
    flip_byte(registry / "versions" / VERSION / "report.html")
    assert invoke("sign", VERSION, "--registry", registry, "--key", keys / "own.pem") == 65
    assert "the link 'report' is broken" in capfd.readouterr().err
    assert not (registry / "versions" / VERSION / "signature.json").exists()


def test_the_same_models_again(registry: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert invoke("reproduce", "champion", "--registry", registry, "--json") == 0
    shown = capfd.readouterr()
    assert "krummholz" in shown.err
    found = json.loads(shown.out)
    assert (found["version"], found["environment"]) == (VERSION, [])
    assert [model["slug"] for model in found["models"]] == list(SLUGS)
    assert all(model["booster"] and model["preprocessor"] for model in found["models"])


def test_other_models(registry: Path, finished: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "table.csv"
    lines = (finished / "table.csv").read_text().splitlines()
    source.write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    assert invoke("reproduce", VERSION, "--registry", registry, "--source", source) == 1
    shown = capfd.readouterr()
    assert "differs" in shown.out
    assert "error: 2 of 2 models differ, in v1: aspen, krummholz" in shown.err


def test_a_run_on_this_machine(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert invoke("verify", "nothing", "--runs", tmp_path) == 66
    assert "there is no run 'nothing'" in capfd.readouterr().err
