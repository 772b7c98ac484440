"""Where the fork server's socket lies: in the temporary folder, or a shorter one where that path is too long."""

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

# Bytes of a socket's path on Linux and macOS (man 7 unix), without what multiprocessing appends.
_LONGEST = 104 - 1 - len("/pymp-12345678/listener-12345678")
_SHORT = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - multiprocessing makes a private folder in it


@contextmanager
def chosen() -> Iterator[None]:
    """Have multiprocessing make its folder, which it does once a process, in a short temporary folder.

    Raises:
        DeniedError: no folder for temporary files can be written, or only ones with long paths.
    """
    before = tempfile.tempdir
    tempfile.tempdir = _folder()
    try:
        yield
    finally:
        tempfile.tempdir = before


def _folder() -> str:
    wanted = os.environ.get("TMPDIR")
    try:
        found = tempfile.gettempdir()
    except FileNotFoundError:
        raise _none(wanted) from None
    if wanted and not _writable(wanted):
        runtime.log(f"TMPDIR {wanted} cannot be written: temporary files go to {found}")
    for folder in (found, *_SHORT):
        if len(os.fsencode(folder)) <= _LONGEST and _writable(folder):
            return folder
    raise _none(wanted)


def _writable(folder: str) -> bool:
    return Path(folder).is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _none(wanted: str | None) -> DeniedError:
    fix = f"set TMPDIR to a folder that can be written and whose path has at most {_LONGEST} bytes"
    return DeniedError("there is no folder for temporary files", where=wanted and f"TMPDIR {wanted}", fix=fix)
