"""Every file of tests/bad ends as tests/bad/cases.toml says."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from steps import prepare
from tests.support import call, leftovers

BAD = Path(__file__).parent / "bad"
CASES: list[dict[str, Any]] = tomllib.loads((BAD / "cases.toml").read_text())["case"]


def name_of(case: dict[str, Any]) -> str:
    return " ".join([case.get("schema", case["source"]), *case.get("options", [])])


def arguments(case: dict[str, Any], folder: Path) -> list[str]:
    source = case["source"] if ":" in case["source"] else str(BAD / case["source"])
    schema = ["--schema", str(BAD / case["schema"])] if "schema" in case else []
    slug = "one" if schema else "aspen"
    outputs = ["--dataset", f"{slug}={folder}/dataset.parquet", "--profile", f"{folder}/profile.json"]
    return ["--source", source, *schema, *outputs, *case.get("options", [])]


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_bad_input_ends_with_one_line_a_code_and_no_file(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = call(prepare.main, *arguments(case, tmp_path))
    expected = case["error"].replace("{folder}", str(BAD))
    pattern = ".+".join(re.escape(part) for part in expected.split("..."))
    assert len(result.errors) == 1, result.log
    assert re.fullmatch(pattern, result.errors[0]), f"{result.errors[0]}\n{expected}"
    assert result.code == case["code"]
    assert result.log.rstrip().endswith(result.errors[0])
    assert "Traceback" not in result.log
    assert leftovers(tmp_path) == []


def test_every_file_has_a_case() -> None:
    files = {path.name for path in BAD.iterdir() if path.is_file()}
    used = {case[key] for case in CASES for key in ("source", "schema") if key in case}
    assert files - used == {"cases.toml"}


def test_the_good_file_is_good(tmp_path: Path) -> None:
    result = call(prepare.main, *arguments({"source": "good.csv"}, tmp_path))
    assert (result.code, leftovers(tmp_path)) == (0, ["dataset.parquet", "profile.json"])


def test_a_bad_file_leaves_earlier_outputs_alone(tmp_path: Path) -> None:
    (tmp_path / "dataset.parquet").write_text("earlier")
    assert call(prepare.main, *arguments({"source": "unknown_soil.csv"}, tmp_path)).code == 65
    assert leftovers(tmp_path) == ["dataset.parquet"]
    assert (tmp_path / "dataset.parquet").read_text() == "earlier"


def test_an_output_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("no folder")
    result = call(prepare.main, *arguments({"source": "good.csv"}, tmp_path / "folder"))
    assert result.code == 2
    assert result.errors == [
        f"error: file exists, in {tmp_path}/folder: a file is where a folder is needed, or the other way round"
    ]
    assert leftovers(tmp_path) == ["folder"]


def test_a_folder_is_no_source(tmp_path: Path) -> None:
    result = call(prepare.main, "--source", tmp_path, "--dataset", f"aspen={tmp_path}/a", "--profile", f"{tmp_path}/p")
    assert result.code == 66
    assert result.errors == [f"error: this is a folder, a file is needed, in {tmp_path}: name one CSV or parquet file"]


# Root may read and write everything unless these two capabilities are gone: exec then starts the step without them.
_WITHOUT_OVERRIDE = """
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
if os.getuid() == 0:
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        if ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
            sys.exit(99)
os.execv(sys.executable, [sys.executable, "-m", "steps.prepare", *sys.argv[1:]])
"""


def prepare_without_override(folder: Path, case: dict[str, Any]) -> tuple[int, str]:
    command = [sys.executable, "-c", _WITHOUT_OVERRIDE, *arguments(case, folder)]
    done = subprocess.run(command, cwd=BAD.parent.parent, capture_output=True, text=True, check=False)
    if done.returncode == 99:
        pytest.skip("root's right to read everything cannot be given up here")
    return done.returncode, done.stderr


def test_a_folder_without_write_permission_is_said_so(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    code, err = prepare_without_override(closed, {"source": "good.csv"})
    assert code == 77, err
    assert re.search(
        rf"^error: permission denied, in {closed}/.*: check the rights of this file and of its folder$",
        err,
        re.MULTILINE,
    )
    assert "Traceback" not in err
    assert leftovers(closed) == []


def test_a_source_without_read_permission_is_said_so(tmp_path: Path) -> None:
    source, outputs = tmp_path / "secret.csv", tmp_path / "outputs"
    source.write_bytes((BAD / "good.csv").read_bytes())
    source.chmod(0)
    outputs.mkdir()
    code, err = prepare_without_override(outputs, {"source": f"file://{source}"})
    assert code == 77, err
    assert f"error: permission denied, in {source}: check the rights" in err
    assert "Traceback" not in err
    assert leftovers(outputs) == []
