"""Write files and folders atomically: under a temporary name first, then synced and renamed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from steps.core.errors import DISK_FULL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK_BYTES = 1 << 20
# Prefix of the names of unfinished files, which readers of a folder ignore.
PARTIAL = ".partial-"


@contextmanager
def atomic_path(final: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``final``, and rename it to ``final`` when the block ends without an error.

    The data is synced to the disk before the rename, so that a power failure leaves the old file or the new one.
    Any exception, Ctrl-C included, removes the temporary file.
    """
    if final.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(final))
    with _name_final_path_in_errors(final):
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
    """Return an unused path for a temporary file or folder beside ``final``.

    :mod:`tempfile` is not used because it makes files that only the owner can read. The user's umask should decide.
    """
    if not final.name:  # an empty path is the current folder
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(final))
    return final.with_name(f"{PARTIAL}{final.name}-{secrets.token_hex(4)}")


@contextmanager
def _name_final_path_in_errors(final: Path) -> Iterator[None]:
    """Replace the temporary name in an error by the final one, or by the folder if the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno in DISK_FULL:
            error.filename = str(final.parent)
        elif PARTIAL in str(error.filename):
            error.filename = str(final)
        raise


def _sync(path: Path) -> None:
    with path.open("rb") as written:
        os.fsync(written.fileno())


def write_bytes(final: Path, data: bytes) -> None:
    """Write ``data`` to ``final`` atomically."""
    with atomic_path(final) as temporary:
        temporary.write_bytes(data)


def write_text(final: Path, text: str) -> None:
    r"""Write ``text`` as UTF-8 to ``final`` atomically. Surrogates, which paths may contain, become ``\udcff``."""
    write_bytes(final, text.encode(errors="backslashreplace"))


def write_json(final: Path, value: Any) -> None:  # noqa: ANN401 - any value that json.dumps accepts
    """Write ``value`` as indented JSON; ValueError if it contains NaN or infinity, which JSON cannot express."""
    write_text(final, encode_json(value))


def encode_json(value: Any) -> str:  # noqa: ANN401 - any value that json.dumps accepts
    """Return the text that :func:`write_json` writes."""
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def read_json(path: Path) -> Any:  # noqa: ANN401 - any value that json.loads returns
    """Return the value in a JSON file; ValueError if the file is not JSON."""
    return parse_json(path.read_bytes())


def parse_json(data: str | bytes) -> Any:  # noqa: ANN401 - any value that json.loads returns
    """Return the value of a JSON document in UTF-8; ValueError if it is none, or nested too deeply for Python."""
    try:
        return json.loads(data if isinstance(data, str) else data.decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None


def copy_file(source: Path, final: Path) -> None:
    """Copy a file's bytes to ``final`` atomically."""
    with atomic_path(final) as temporary:
        shutil.copyfile(source, temporary)


def sha256_file(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file; memory use does not depend on the file's size."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def size_of(path: Path) -> int:
    """Return the size in bytes of a file, or of all files below a folder. A missing path has size 0."""
    if path.is_dir():
        return sum(part.stat().st_size for part in path.rglob("*") if part.is_file())
    return path.stat().st_size if path.exists() else 0


@contextmanager
def atomic_folder(final: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``final``, and rename it to ``final`` when the block ends without an error.

    An existing folder is replaced. All files below the new folder are synced before that.

    Raises:
        FileExistsError: The existing folder has a file that the new one lacks, so it is probably another folder
            than the user meant.
    """
    final = final.absolute()  # a relative path to the current folder has no name
    with _name_final_path_in_errors(final):
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
