"""Every file of tests/bad ends as tests/bad/cases.toml says."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from steps import prepare, report
from steps.core.errors import from_os_error
from steps.core.storage import PARTIAL
from tests.limits import short_files, small_disk, without_override
from tests.steps.test_steps_cli import INPUTS, module_of, options_of
from tests.support import Chain, call, leftovers, prepared, real_rows, same_values, write_table

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


def test_half_floats_are_numbers_as_others_are(tmp_path: Path) -> None:
    table = real_rows(21)
    slopes = pa.array(table.column("Slope").to_numpy().astype(np.float16))
    halves = table.set_column(table.column_names.index("Slope"), "Slope", slopes)
    for name, rows in (("whole", table), ("half", halves)):
        prepared(write_table(tmp_path / f"{name}.parquet", rows), tmp_path / name)
    assert same_values(tmp_path / "whole", tmp_path / "half")


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
        f"error: file exists, in {tmp_path}/folder: there is a file instead of a folder, or a folder instead of a file"
    ]
    assert leftovers(tmp_path) == ["folder"]


def test_a_folder_is_no_source(tmp_path: Path) -> None:
    result = call(prepare.main, "--source", tmp_path, "--dataset", f"aspen={tmp_path}/a", "--profile", f"{tmp_path}/p")
    assert result.code == 66
    assert result.errors == [f"error: this is a folder, a file is needed, in {tmp_path}: name one CSV or parquet file"]


def prepare_without_override(folder: Path, case: dict[str, Any]) -> tuple[int, str]:
    return without_override("-m", "steps.prepare", *arguments(case, folder))


def test_a_folder_without_write_permission_is_said_so(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    code, err = prepare_without_override(closed, {"source": "good.csv"})
    assert code == 77, err
    assert re.search(
        rf"^error: permission denied, in {closed}/.*: check the permissions of this file and of its folder$",
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
    assert f"error: permission denied, in {source}: check the permissions" in err
    assert "Traceback" not in err
    assert leftovers(outputs) == []


# What is short: how it is made so, the size, and how a step says it.
SHORT = {
    "disk": (small_disk, 4, "no space left on the disk, in {folder}: free some space and run again"),
    "file": (
        short_files,
        100,
        "the file is larger than the limit, in {folder}: raise the limit (ulimit -f) and run again",
    ),
}


@pytest.mark.parametrize("short", SHORT)
@pytest.mark.parametrize("step", ["prepare", *INPUTS])
def test_a_full_disk_is_said_so_and_leaves_no_half_file(short: str, step: str, chain: Chain, tmp_path: Path) -> None:
    limit, size, words = SHORT[short]
    with limit(tmp_path / "full", size) as folder:
        own = arguments({"source": "good.csv"}, folder) if step == "prepare" else options_of(step, chain, Chain(folder))
        result = call(module_of(step).main, *own, *(["--rounds", "2"] if step == "train" else []))
        assert result.code == 75, result.log
        assert result.errors == ["error: " + words.format(folder=folder)]
        assert "Traceback" not in result.log
        assert not [name for name in leftovers(folder) if PARTIAL in name]


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (OSError(errno.EDQUOT, "Disk quota exceeded", "a"), 75, "the disk quota is used up, in a: free some space"),
        (FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)), 66, "the current folder does not exist any more"),
        (FileNotFoundError(errno.ENOENT, "No usable temporary directory"), 66, "no usable temporary directory: check"),
    ],
)
def test_errors_that_are_hard_to_provoke(error: OSError, code: int, words: str) -> None:
    known = from_os_error(error)
    assert known.exit_code == code
    assert str(known).startswith(words)


@pytest.mark.parametrize("damaged", ["--profile", "--learning-curve", "--step-usage"])
def test_a_damaged_json_file_is_said_so(damaged: str, tmp_path: Path) -> None:
    paths = {option: tmp_path / f"{option[2:]}.json" for option in ("--profile", "--learning-curve", "--step-usage")}
    for option, path in paths.items():
        path.write_text("{" if option == damaged else '{"data_sha256": "0", "run": ""}')
    absent = [word for option in ("--metrics", "--scores") for word in (option, "aspen=absent")]
    inputs = ["--profile", paths["--profile"], "--learning-curve", f"aspen={paths['--learning-curve']}"]
    usage = ["--step-usage", f"prepare={paths['--step-usage']}"]
    outputs = ["--html", tmp_path / "report.html", "--json", tmp_path / "report.json"]
    result = call(report.main, "--cover-type", "aspen", *absent, *inputs, *usage, *outputs)
    assert (result.code, len(result.errors)) == (65, 1), result.log
    assert result.errors[0].startswith("error: not JSON (")
    assert f"in {paths[damaged]}: run the step that makes it again" in result.errors[0]
    assert leftovers(tmp_path) == sorted(path.name for path in paths.values())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_step_whose_log_cannot_be_written_keeps_its_exit_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "steps.prepare", *arguments({"source": "empty.csv"}, tmp_path)]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, cwd=BAD.parent.parent, stderr=full, env=buffered, check=False)
    assert done.returncode == 65
