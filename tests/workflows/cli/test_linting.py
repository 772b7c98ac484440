from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from steps.core.errors import BadConfigurationError, NoInputError
from tests.workflows.rendered.test_references import sound
from workflows import rendering
from workflows.argo import yaml_text
from workflows.cli import linting
from workflows.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_argo_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARGO", raising=False)
    monkeypatch.setattr("shutil.which", lambda _: None)


def lint(text: str, folder: Path) -> int:
    file = folder / "w.yaml"
    file.write_text(text)
    return linting.lint(Settings(), file)


def test_lint_names_the_file_and_the_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = yaml_text.to_yaml(rendering.render(Settings(cover_types=("4",)), "Workflow"))
    path = tmp_path / "w.yaml"
    path.write_text(text.replace("{{outputs.artifacts.model.path}}", "{{outputs.artifacts.modle.path}}"))
    assert linting.lint(Settings(), path) == 1
    assert "{{outputs.artifacts.modle.path}} does not resolve" in capsys.readouterr().err
    path.write_text(text)
    assert linting.lint(Settings(), path) == 0
    assert "ok: Workflow" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["1e5", "123456789e12", "12", "yes"])
def test_a_name_that_argo_reads_as_a_number_is_found(name: str, tmp_path: Path) -> None:
    text = yaml_text.to_yaml(sound()).replace("name: w\n", f"name: {name}\n")
    with pytest.raises(BadConfigurationError, match=r"metadata\.name: Input should be a valid string"):
        lint(text, tmp_path)


def test_a_key_twice_is_found(tmp_path: Path) -> None:
    with pytest.raises(BadConfigurationError, match="'kind' is given twice"):
        lint(yaml_text.to_yaml(sound()) + "kind: Workflow\n", tmp_path)


@pytest.mark.parametrize(
    "text", [b"\xff", b"- a", b"kind: Workflow", b"kind: Workflow\nmetadata: {}\nspec: 5\n", b"a: ["]
)
def test_what_is_no_workflow(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_bytes(text)
    with pytest.raises(BadConfigurationError):
        linting.lint(Settings(), tmp_path / "w.yaml")


def test_without_a_file_every_kind_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert linting.lint(Settings(cover_types=("4",)), None) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in printed] == list(rendering.KINDS)
    assert all(line.endswith("references (no argo command line tool found)") for line in printed)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="render one with"):
        linting.lint(Settings(), tmp_path / "none.yaml")


def test_fields_that_are_null_count_as_absent(tmp_path: Path) -> None:
    text = yaml_text.to_yaml(sound()).replace("spec:\n", "spec:\n  onExit: null\n", 1)
    assert lint(text, tmp_path) == 0


def test_the_argo_tool_sees_the_workflow_and_its_words_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = tmp_path / "argo"
    tool.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "*words, file = sys.argv[1:]\n"
        "assert words == ['lint', '--offline', '--no-color'], words\n"
        "sys.exit(f'{file}:  bad   thing' if 'kind: Workflow' in open(file).read() else 0)\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("ARGO", str(tool))
    assert lint(yaml_text.to_yaml(sound()), tmp_path) == 1
    assert capsys.readouterr().err == "error: argo lint: : bad thing, in Workflow w\n"
