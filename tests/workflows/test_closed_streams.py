"""Closed standard streams, as with some service managers or ``>&-``, have the same effect as ``/dev/null``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLI = f"{sys.executable} {ROOT}/workflows/covertype.py"


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [("render >&-", 0), ("render >&- 2>&- <&-", 0), ("--help >&-", 0), ("show nothing >&-", 66), ("show x 2>&-", 66)],
)
def test_a_verb(tmp_path: Path, words: str, code: int) -> None:
    done = shell(f"{CLI} {words}", tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (code, int("nothing" in words))


def test_a_step_whose_output_takes_the_number_of_a_stream(tmp_path: Path) -> None:
    table = ROOT / "tests/bad/good.csv"
    words = f"--source {table} --dataset aspen={tmp_path}/aspen.parquet --profile {tmp_path}/profile.json"
    done = shell(f"{sys.executable} -m steps.prepare {words} >&- 2>&- <&-", ROOT)
    assert done.returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aspen.parquet", "profile.json"]


def test_a_run_with_all_of_them_closed(tmp_path: Path) -> None:
    run = "run --rows 600 --preset fast --cover-types 1 --parallel 1 --set train.rounds=2"
    assert shell(f"{CLI} {run} >&- 2>&- <&-", tmp_path).returncode == 0
    assert len([*tmp_path.glob("runs/*/report.html")]) == 1
