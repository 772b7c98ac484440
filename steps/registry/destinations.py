"""Destinations of published files: the interface, and a folder on this machine.

``steps.buckets.destination`` has prefixes in a bucket. ``steps.io`` opens a destination by its URI.
"""

from __future__ import annotations

import errno
import fcntl
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from steps.core import storage
from steps.core.errors import BadDataError, NoInputError, already_exists
from steps.registry.manifest import MANIFEST, Entry, Manifest, decode_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LOCK = ".lock"


class StoredFile(NamedTuple):
    """The content of a small file, with its generation in a bucket; None in a folder."""

    data: bytes
    generation: int | str | None


class Destination(Protocol):
    """A destination of published files."""

    @property
    def location(self) -> str:
        """The address, without a slash at the end."""

    def below(self, name: str) -> Destination:
        """Return the destination below this one with a relative path."""

    def read(self, name: str) -> StoredFile | None:
        """Return a small file, None if it does not exist."""

    def write(self, name: str, data: bytes, expected: StoredFile | None) -> int | str | None:
        """Replace a small file, and return its new generation.

        Args:
            name: The relative path of the file.
            data: The new content.
            expected: The result of the last :meth:`read`. The file is replaced only if it is unchanged.

        Raises:
            AlreadyExistsError: The file has changed.
        """

    def names_below(self, name: str) -> Sequence[str]:
        """Return the sorted names of all files below a folder, relative to the destination; none if it is absent."""

    def commit(self, entries: Sequence[Entry], sources: Mapping[str, Path], metadata: dict[str, Any]) -> Manifest:
        """Write files, and then their manifest.

        Args:
            entries: The files to publish.
            sources: The local path of each file by name.
            metadata: The metadata of the manifest.

        Raises:
            AlreadyExistsError: There is a manifest already. Nothing has changed.
        """

    def download(self, entry: Entry, target: Path) -> None:
        """Write a published file to ``target``, and compare its SHA-256.

        Raises:
            NoInputError: The file no longer exists.
            BadDataError: It is not the file that was published.
        """


def read_manifest(destination: Destination) -> Manifest | None:
    """Return the manifest at a destination, None if nothing is published; BadDataError if it cannot be read."""
    found = destination.read(MANIFEST)
    return decode_manifest(found.data, destination.location, found.generation) if found else None


@dataclass(frozen=True)
class Folder:
    """A folder on this machine as a destination."""

    root: Path

    @property
    def location(self) -> str:
        """The folder's path."""
        return str(self.root)

    def below(self, name: str) -> Folder:
        """Return a folder in this one."""
        return Folder(self.root / name)

    def read(self, name: str) -> StoredFile | None:
        """Return a small file, None if it does not exist."""
        try:
            return StoredFile((self.root / name).read_bytes(), None)
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes, expected: StoredFile | None) -> None:
        """Replace a small file, if its content is the expected one; AlreadyExistsError otherwise."""
        with self._lock():
            if self.read(name) != expected:
                raise already_exists(str(self.root / name))
            storage.write_bytes(self.root / name, data)

    def names_below(self, name: str) -> list[str]:
        """Return the names of all files below a folder, without unfinished ones."""
        found = [path.relative_to(self.root) for path in (self.root / name).rglob("*") if path.is_file()]
        return sorted(path.as_posix() for path in found if storage.PARTIAL not in str(path))

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Lock the small files of this folder against other processes on this machine."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / _LOCK).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def commit(self, entries: Sequence[Entry], sources: Mapping[str, Path], metadata: dict[str, Any]) -> Manifest:
        """Write the files and the manifest to a new folder."""
        manifest = Manifest(self.location, tuple(entries), metadata)
        with new_folder(self.root) as temporary:
            for entry in entries:
                storage.copy_file(sources[entry.name], temporary / entry.path)
                if not has_content_of(temporary / entry.path, entry):
                    raise changed_file_error(entry)
            storage.write_bytes(temporary / MANIFEST, manifest.encode())
        return manifest

    def download(self, entry: Entry, target: Path) -> None:
        """Copy a published file, and compare its SHA-256."""
        try:
            storage.copy_file(self.root / entry.path, target)
        except FileNotFoundError:
            fix = "publish it again to another destination"
            raise NoInputError("this published file is gone", where=str(self.root / entry.path), fix=fix) from None
        if not has_content_of(target, entry):
            target.unlink()
            raise wrong_file_error(str(self.root / entry.path))


@contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``final``, and rename it to ``final`` when the block ends without an error.

    The caller must sync the files in it.

    Raises:
        AlreadyExistsError: There is a folder that is not empty.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = storage.name_beside(final)
    temporary.mkdir()
    try:
        yield temporary
        temporary.rename(final)  # fails for a folder that is not empty, even if it was just made
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise already_exists(str(final)) from None
        if str(temporary) in str(error.filename):
            error.filename = str(final)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def has_content_of(path: Path, entry: Entry) -> bool:
    """Return whether a file has the size and the SHA-256 of a published file."""
    return path.stat().st_size == entry.size and storage.sha256_file(path) == entry.sha256


def changed_file_error(entry: Entry) -> BadDataError:
    """Return the error for a file that changed while it was published."""
    return BadDataError("the file changed while it was published", where=entry.name, fix="run again")


def wrong_file_error(where: str) -> BadDataError:
    """Return the error for a file at a destination that is not the published one."""
    fix = "publish it again to another destination"
    return BadDataError("this is not the file that was published", where=where, fix=fix)
