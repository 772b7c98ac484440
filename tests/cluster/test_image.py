"""The image without Kubernetes: a step runs with the installed builder."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from steps.core import storage
from tests.cluster import harness

if TYPE_CHECKING:
    from pathlib import Path

WORDS = ("-m", "steps.prepare", "--source=builtin:", "--rows=600")


def started(folder: Path, words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    command = [str(harness.ROOT / "containers/run"), harness.IMAGE, str(folder), "python", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(autouse=True)
def _builder() -> None:
    if not os.environ.get("IMAGE_BUILDER"):
        pytest.skip("IMAGE_BUILDER names no program that has the image")


def test_a_step_gives_what_it_gives_outside(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    done = started(inside, (*WORDS, "--dataset=aspen=/data/aspen.parquet", "--profile=/data/profile.json"))
    assert done.returncode == 0, done.stderr
    command = [sys.executable, *WORDS, f"--dataset=aspen={outside}/aspen.parquet", f"--profile={outside}/profile.json"]
    subprocess.run(command, check=True, capture_output=True)
    for name in ("aspen.parquet", "profile.json"):
        assert storage.sha256_file(inside / name) == storage.sha256_file(outside / name)


def test_an_error_is_one_line_and_its_code(tmp_path: Path) -> None:
    words = ("-m", "steps.prepare", "--source=/data/no.csv", "--dataset=aspen=/data/a.parquet", "--profile=/data/p")
    done = started(tmp_path, words)
    assert done.returncode == 66
    assert "error: no such file, in /data/no.csv: check --source" in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_image_has_no_compiler_and_no_pip_and_is_not_root(tmp_path: Path) -> None:
    look = "import shutil, importlib.util as u; print([shutil.which(n) for n in ('gcc', 'cc')], u.find_spec('pip'))"
    assert started(tmp_path, ("-c", look)).stdout.strip() == "[None, None] None"
