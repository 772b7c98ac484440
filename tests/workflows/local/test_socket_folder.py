"""The fork server starts with any TMPDIR, or one error line reports the problem."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from steps.core.errors import DeniedError
from tests.limits import without_override
from workflows.local import socket_folder

ROOT = Path(__file__).parents[3]
_PROGRAM = """
import multiprocessing, os, sys
from steps.core import runtime
from workflows.local import processes
def main():
    processes.start_fork_server([])
    print(multiprocessing.forkserver._forkserver._forkserver_address)
    return 0
sys.exit(runtime.run_to_exit_code(main))
"""


def start(folder: str) -> subprocess.CompletedProcess[str]:
    """Start a fork server with this TMPDIR and print the path of its socket."""
    environment = {**os.environ, "TMPDIR": folder, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", _PROGRAM]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("length", [20, 68, 90, 300])
def test_a_long_path_is_replaced_by_a_short_one(length: int) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        folder = Path(short, "a" * max(1, min(length, 200) - len(short) - 1), "b" * max(0, length - 201))
        folder.mkdir(parents=True)
        done = start(str(folder))
        assert (done.returncode, done.stderr) == (0, "")
        assert Path(done.stdout).is_relative_to(folder) == (length <= 71)
        assert list(folder.iterdir()) == []


def test_a_folder_that_does_not_exist_is_reported() -> None:
    done = start("/nowhere")
    assert done.returncode == 0
    [line] = done.stderr.splitlines()
    assert line.startswith("TMPDIR /nowhere is not writable: using /")


def test_no_folder_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(socket_folder, "_SHORT_FOLDERS", ())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("a" * 100)))
    with (
        pytest.raises(DeniedError, match=r"no folder for temporary files.*at most 71 bytes"),
        socket_folder.short_temporary_folder(),
    ):
        pass
    assert tempfile.tempdir == str(tmp_path / ("a" * 100))


def test_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o555)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    code, err = without_override("-c", _PROGRAM)
    tmp_path.chmod(0o755)
    assert code == 0
    assert err.splitlines()[0].startswith(f"TMPDIR {tmp_path} is not writable")
