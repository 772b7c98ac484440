"""Destinations that files are published to: the interface, and the one that is a folder on this machine.

``steps.google.gcs.destination`` is a prefix in Cloud Storage; ``steps.io`` opens either by its URI.
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
from steps.core.errors import BadDataError, already_exists
from steps.registry.manifest import MANIFEST, Entry, Manifest, decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_DIGITS = 12
_LOCK = ".lock"


class Seen(NamedTuple):
    """A small file as it was read; ``generation`` is None in a folder."""

    data: bytes
    generation: int | None


class Destination(Protocol):
    """Where files are published; ``location`` is its address without a slash at the end."""

    @property
    def location(self) -> str:
        """The address."""

    def below(self, name: str) -> Destination:
        """Return the destination with this path below it."""

    def read(self, name: str) -> Seen | None:
        """Return a small file, None where there is none."""

    def write(self, name: str, data: bytes, seen: Seen | None) -> int | None:
        """Replace a small file if it still is as it was seen (None: absent), and return its new generation.

        Raises:
            AlreadyExistsError: it is not.
        """

    def commit(self, entries: Sequence[Entry], sources: Mapping[str, Path], metadata: dict[str, Any]) -> Manifest:
        """Put files there by their names, then the manifest.

        Raises:
            AlreadyExistsError: there is a manifest already; nothing has changed.
        """

    def download(self, entry: Entry, target: Path) -> None:
        """Write a published file to ``target`` after comparing its SHA-256."""


def read_manifest(destination: Destination) -> Manifest | None:
    """Return the manifest at a destination, None where nothing is published; BadDataError where it cannot be read."""
    found = destination.read(MANIFEST)
    return decode(found.data, destination.location, found.generation) if found else None


@dataclass(frozen=True)
class Folder:
    """A folder on this machine."""

    root: Path

    @property
    def location(self) -> str:
        """The folder's path."""
        return str(self.root)

    def below(self, name: str) -> Folder:
        """Return the folder below."""
        return Folder(self.root / name)

    def read(self, name: str) -> Seen | None:
        """Return a small file, None where there is none."""
        try:
            return Seen((self.root / name).read_bytes(), None)
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes, seen: Seen | None) -> None:
        """Replace a small file if it still holds the bytes that were seen."""
        with self._locked():
            if self.read(name) != seen:
                raise already_exists(str(self.root / name))
            storage.write_bytes(self.root / name, data)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes on this machine from writing small files here."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / _LOCK).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def commit(self, entries: Sequence[Entry], sources: Mapping[str, Path], metadata: dict[str, Any]) -> Manifest:
        """Copy the files and write the manifest to a new folder."""
        manifest = Manifest(self.location, tuple(entries), metadata)
        with new_folder(self.root) as temporary:
            for entry in entries:
                storage.copy_file(sources[entry.name], temporary / entry.path)
                if not holds(temporary / entry.path, entry):
                    raise changed(entry)
            storage.write_bytes(temporary / MANIFEST, manifest.encode())
        return manifest

    def download(self, entry: Entry, target: Path) -> None:
        """Copy a file."""
        storage.copy_file(self.root / entry.path, target)
        if not holds(target, entry):
            target.unlink()
            raise other_file(str(self.root / entry.path))


@contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``final``, and give it that name when the block ends without an error.

    What is put in it must have been synced.

    Raises:
        AlreadyExistsError: there is a folder with something in it.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = storage.name_beside(final)
    temporary.mkdir()
    try:
        yield temporary
        temporary.rename(final)  # fails where there is one that is not empty, whoever made it meanwhile
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise already_exists(str(final)) from None
        if str(temporary) in str(error.filename):
            error.filename = str(final)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def holds(path: Path, entry: Entry) -> bool:
    """Return whether a file holds the bytes that were published."""
    return path.stat().st_size == entry.size and storage.sha256_file(path) == entry.sha256


def changed(entry: Entry) -> BadDataError:
    """Return the error for a file that changed while it was published."""
    return BadDataError("the file changed while it was published", where=entry.name, fix="run again")


def other_file(where: str) -> BadDataError:
    """Return the error for a file that is not the published one."""
    return BadDataError("this is not the file that was published", where=where, fix="publish it again elsewhere")
