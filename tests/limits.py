"""What a machine may lack, for tests: room on a disk, long files, and the right to read or write."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
_NOT_GIVEN_UP = 99
# Root may read and write everything unless these two capabilities are gone: exec then starts the program without them.
_WITHOUT_OVERRIDE = f"""
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
if os.getuid() == 0:
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        if ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
            sys.exit({_NOT_GIVEN_UP})
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def without_override(*words: object) -> tuple[int, str]:
    """Run ``python WORDS`` without root's right to read and write everything; return its code and standard error."""
    command = [sys.executable, "-c", _WITHOUT_OVERRIDE, *map(str, words)]
    with tempfile.TemporaryFile("w+") as err:  # a pipe would be waited for until the fork server ends too
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=err, check=False)
        if done.returncode == _NOT_GIVEN_UP:
            pytest.skip("root's right to read everything cannot be given up here")
        err.seek(0)
        return done.returncode, err.read()


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """Mount a file system of so many kilobytes at a new folder; skip the test where that may not be done."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607 - wherever the system has it


@contextmanager
def short_files(folder: Path, size: int) -> Iterator[Path]:
    """Let this process and its children write no file of more bytes; the folder is a new one."""
    folder.mkdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.MonkeyPatch.context() as patch:
        # Python does not notice that it has written half a file of bytecode.
        patch.setattr(sys, "dont_write_bytecode", True)
        patch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield folder
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
