"""Characters that the encoding of the output lacks are replaced or escaped, and cause no failure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from steps.core import storage
from workflows.argo import yaml_text
from workflows.runs import results

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
C_LOCALE = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
ENCODINGS = [{"PYTHONIOENCODING": name} for name in ("ascii", "latin-1", "cp437", "utf-8:strict")] + [C_LOCALE]
CLI = ("workflows/covertype.py",)
UNDECODABLE = os.fsdecode(b"t\xff")
RESULT = {
    "run": "ä",
    "status": "Succeeded",
    "seconds": None,
    "accuracy": None,
    "macro_f1": None,
    "executed_steps": 0,
    "cached_steps": 0,
    "directory": UNDECODABLE,
    "report": "ü",
    "models": None,
    "cover_types": {"✓": dict.fromkeys(results.COVER_TYPE_KEYS)},
}


def python(*words: str, environment: Mapping[str, str], cwd: Path = ROOT) -> subprocess.CompletedProcess[bytes]:
    """Run ``python WORDS`` with these environment variables."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    known = {**inherited, **environment, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *words], cwd=cwd, env=known, capture_output=True, check=False, timeout=120)


@pytest.mark.parametrize("environment", ENCODINGS, ids=lambda each: next(iter(each.values())))
def test_a_result_is_printed_in_any_encoding(environment: Mapping[str, str], tmp_path: Path) -> None:
    result = {**RESULT, "seconds": 1.0, "failed_steps": {}, "accuracy": 0.5, "accuracy_interval": [0.4, 0.6]}
    storage.write_json(tmp_path / "one" / results.RESULT, result)
    assert storage.read_json(tmp_path / "one" / results.RESULT) == result
    done = python(*CLI, "show", "one", "--output", str(tmp_path), environment=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"accuracy over all cover types .5000 (95% .4000" in done.stdout
    assert b"t?" in done.stdout  # no encoding has this character


def test_a_result_as_json_is_ascii(tmp_path: Path) -> None:
    storage.write_json(tmp_path / "one" / results.RESULT, RESULT)
    done = python(*CLI, "show", "one", "--output", str(tmp_path), "--json", environment=ENCODINGS[0])
    assert json.loads(done.stdout.decode("ascii")) == RESULT


def test_help_and_error_lines() -> None:
    environment = {"PYTHONIOENCODING": "cp437"}
    assert python(*CLI, "run", "--help", environment=environment).returncode == 0
    done = python("-m", "steps.prepare", "--source", "✓.csv", "--profile", "p", environment=environment)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    done = python(*CLI, "show", "✓", environment=environment)
    assert (done.returncode, len(done.stderr.splitlines())) == (66, 1)
    assert b"error: run '?' has no result" in done.stderr


def test_a_rendered_workflow_keeps_its_values(tmp_path: Path) -> None:
    schema = (ROOT / "steps/data/covertype.toml").read_text("utf-8")
    mine = tmp_path / "mine.toml"
    mine.write_text(f"# Bäume ✓\n{schema}", encoding="utf-8")
    printed = [
        python(*CLI, "render", "--name", "a", "--schema", str(mine), environment={"PYTHONIOENCODING": encoding}).stdout
        for encoding in ("utf-8", "latin-1")
    ]
    assert "# Bäume ✓" in printed[0].decode()
    assert yaml.safe_load(printed[1].decode("ascii")) == yaml.safe_load(printed[0])


def test_a_run_in_the_c_locale_shows_what_its_steps_say(tmp_path: Path) -> None:
    source = tmp_path / "table.csv"
    source.write_text("Elevation,Bäume\n1,2\n", encoding="utf-8")
    words = ("run", "--source", str(source), "--output", str(tmp_path / "runs"))
    done = python(*CLI, *words, environment=C_LOCALE)
    assert done.returncode == 65, done.stderr
    [error] = [line for line in done.stderr.splitlines() if line.startswith(b"error: ")]
    assert b"column 'B?ume' is not in the schema" in error


def test_paths_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / UNDECODABLE).write_text("a,b\n1,2\n")
    cli = str(ROOT / CLI[0])
    done = python(cli, "run", "--source", UNDECODABLE, environment={}, cwd=tmp_path)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert done.stderr.startswith(b"error: source: 't\\udcff' is not UTF-8 text, in --source")
    done = python("-m", "steps.split", "--dataset", UNDECODABLE, *_outputs(tmp_path), environment={}, cwd=tmp_path)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1), done.stderr


def _outputs(folder: Path) -> list[str]:
    return [word for part in ("train", "validation", "test") for word in (f"--{part}", str(folder / part))]


def test_standard_output_that_says_no_encoding_gets_utf_8(capsys: pytest.CaptureFixture[str]) -> None:
    yaml_text.print_yaml({"a": "ä"})
    assert capsys.readouterr().out == "a: ä\n"
