"""Chooses the folder for the socket of the fork server.

It is the temporary folder, or another one where the path of that is too long.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from steps.core import runtime
from steps.core.errors import DeniedError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Largest path of the folder in bytes: that of a socket on Linux and macOS (man 7 unix), without the part that
# multiprocessing appends.
_MAX_PATH_BYTES = 104 - 1 - len("/pymp-12345678/listener-12345678")
_SHORT_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - multiprocessing creates a private folder there


@contextmanager
def short_temporary_folder() -> Iterator[None]:
    """Use a folder with a short path for temporary files in the block.

    multiprocessing creates the folder for its sockets once per process, in the current temporary folder.

    Raises:
        DeniedError: no folder for temporary files is writable and has a short path.
    """
    before = tempfile.tempdir
    tempfile.tempdir = _find_folder()
    try:
        yield
    finally:
        tempfile.tempdir = before


def _find_folder() -> str:
    wanted = os.environ.get("TMPDIR")
    try:
        found = tempfile.gettempdir()
    except FileNotFoundError:
        raise _no_folder(wanted) from None
    if wanted and not _writable(wanted):
        runtime.log(f"TMPDIR {wanted} is not writable: using {found} for temporary files")
    for folder in (found, *_SHORT_FOLDERS):
        if len(os.fsencode(folder)) <= _MAX_PATH_BYTES and _writable(folder):
            return folder
    raise _no_folder(wanted)


def _writable(folder: str) -> bool:
    return Path(folder).is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _no_folder(wanted: str | None) -> DeniedError:
    fix = f"set TMPDIR to a writable folder whose path has at most {_MAX_PATH_BYTES} bytes"
    return DeniedError("there is no folder for temporary files", where=wanted and f"TMPDIR {wanted}", fix=fix)
