"""Files that are whole or absent: written beside their final name, synced, then renamed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from steps.core.errors import FULL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 1 << 20
# Names the temporary files, so that whoever lists a folder can tell them from results.
PARTIAL = ".partial-"


@contextmanager
def atomic_path(final: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``final``; rename it to ``final`` when the block ends without an error.

    The data is synced to the disk before the rename, so that a power cut leaves the old file or the new one.
    An exception (Ctrl-C too) removes the temporary file.
    """
    if final.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(final))
    with _errors_about(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary = name_beside(final)
        temporary.touch(exist_ok=False)
        try:
            yield temporary
            _sync(temporary)
            temporary.replace(final)
        finally:
            temporary.unlink(missing_ok=True)


def name_beside(final: Path) -> Path:
    """Return a name for a temporary file or folder beside ``final`` that nothing has yet.

    Not by :mod:`tempfile`, which lets nobody but the owner read what it makes: permissions are the user's umask's.
    """
    if not final.name:  # an empty path is the current folder
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(final))
    return final.with_name(f"{PARTIAL}{final.name}-{secrets.token_hex(4)}")


@contextmanager
def _errors_about(final: Path) -> Iterator[None]:
    """Let an error name what a person knows: the folder where it is full, the file instead of its temporary name."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            error.filename = str(final.parent)
        elif PARTIAL in str(error.filename):
            error.filename = str(final)
        raise


def _sync(path: Path) -> None:
    with path.open("rb") as written:
        os.fsync(written.fileno())


def write_bytes(final: Path, data: bytes) -> None:
    """Write ``data`` to ``final``, whole or not at all."""
    with atomic_path(final) as temporary:
        temporary.write_bytes(data)


def write_text(final: Path, text: str) -> None:
    r"""Write ``text`` as UTF-8 to ``final``, whole or not at all; surrogates, as in paths, as ``\udcff``."""
    write_bytes(final, text.encode(errors="backslashreplace"))


def write_json(final: Path, value: Any) -> None:  # noqa: ANN401 - whatever json.dumps takes
    """Write ``value`` as indented JSON; a NaN or an infinity is an error, as JSON has neither."""
    write_text(final, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:  # noqa: ANN401 - whatever json.loads gives
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def copy(source: Path, final: Path) -> None:
    """Copy a file's bytes to ``final``, whole or not at all."""
    with atomic_path(final) as temporary:
        shutil.copyfile(source, temporary)


def sha256_file(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes, read in pieces of 1 MiB."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def size_of(path: Path) -> int:
    """Return the bytes a file, or all files below a folder, hold; 0 where nothing is there."""
    if path.is_dir():
        return sum(part.stat().st_size for part in path.rglob("*") if part.is_file())
    return path.stat().st_size if path.exists() else 0


@contextmanager
def atomic_folder(final: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``final``; give it that name when the block ends without an error.

    A folder that is already there under the final name is replaced. All files below it are synced first.

    Raises:
        FileExistsError: the folder that is there has files that the new one lacks: another folder than was meant.
    """
    final = final.absolute()  # the current folder has no name to put another beside
    with _errors_about(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary = name_beside(final)
        temporary.mkdir()
        try:
            yield temporary
            for path in temporary.rglob("*"):
                if path.is_file():
                    _sync(path)
            _refuse_loss(final, temporary)
            shutil.rmtree(final, ignore_errors=True)
            temporary.replace(final)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _contents(folder: Path) -> set[Path]:
    """Return the paths of all that is below a folder, relative to it."""
    return {path.relative_to(folder) for path in folder.rglob("*")}


def _refuse_loss(final: Path, replacement: Path) -> None:
    if final.is_dir() and (lost := sorted(_contents(final) - _contents(replacement))):
        reason = f"the folder has another file, {lost[0]}, and is not replaced"
        raise FileExistsError(errno.EEXIST, reason, str(final))
