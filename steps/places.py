"""Places that files are published to: a prefix in Cloud Storage, or a folder on this machine, with one interface."""

from __future__ import annotations

import dataclasses
import errno
import fcntl
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from steps import gcs, storage, uris
from steps.errors import BadDataError, NoInputError, PipelineError, UsageError
from steps.gcs_errors import AlreadyThereError, already_there
from steps.manifest import MANIFEST, MAXIMUM, Entry, Manifest, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_DIGITS = 12
_LOCK = ".lock"


class Seen(NamedTuple):
    """A small file as it was read; ``generation`` is None in a folder."""

    data: bytes
    generation: int | None


class Place(Protocol):
    """Where files are published; ``location`` is its address without a slash at the end."""

    @property
    def location(self) -> str:
        """The address."""

    def read(self, name: str) -> Seen | None:
        """Return a small file, None where there is none."""

    def write(self, name: str, data: bytes, seen: Seen | None) -> int | None:
        """Replace a small file if it still is as it was seen (None: absent), and return its new generation.

        Raises:
            AlreadyThereError: it is not.
        """

    def commit(self, entries: Sequence[Entry], sources: Mapping[str, Path], metadata: dict[str, Any]) -> Manifest:
        """Put files there by their names, then the manifest.

        Raises:
            AlreadyThereError: there is a manifest already; nothing has changed.
        """

    def download(self, entry: Entry, target: Path) -> None:
        """Write a published file to ``target`` after comparing its SHA-256."""


def open_place(uri: str, connect: Callable[[], gcs.Store] | None = None) -> Place:
    """Return the place a URI names; ``connect`` makes the store where it is in Cloud Storage.

    Raises:
        UsageError: it names none.
        DeniedError: there are no Google credentials.
    """
    address = uris.parse(uri, uris.DESTINATIONS, what="destination", where="")
    if address.local:
        return Folder(address.path)
    return Prefix((connect or gcs.connect)(), address.text)


def read_manifest(place: Place) -> Manifest | None:
    """Return the manifest of a place, None where nothing is published; BadDataError where it cannot be read."""
    found = place.read(MANIFEST)
    return decode(found.data, place.location, found.generation) if found else None


def object_name(entry: Entry) -> str:
    """Return where a file goes below a prefix: ``a/part-0.parquet`` to ``a/part-0-3f2a91c0d4e5.parquet``.

    Other content has another name, so that two publishers never write to the same object.
    """
    path = PurePosixPath(entry.name)
    stem, dot, suffix = path.name.partition(".")
    return str(path.with_name(f"{stem}-{entry.sha256[:_DIGITS]}{dot}{suffix}"))


class Prefix:
    """``gs://bucket/prefix``; UsageError where the URI is none."""

    def __init__(self, store: gcs.Store, uri: str) -> None:
        self.store, self.location = store, uri.rstrip("/")
        self._bucket, name = gcs.split(self.location)
        if "*" in name or "?" in name:
            raise UsageError("a prefix has no wildcards", where=uri, fix="name one place")

    def read(self, name: str) -> Seen | None:
        """Return a small object, None where there is none."""
        try:
            found = self.store.get(f"{self.location}/{name}")
        except NoInputError:
            return None
        if found.size > MAXIMUM:
            raise BadDataError("this is larger than anything this pipeline writes there", where=found.uri)
        return Seen(self.store.read(found), found.generation)

    def write(self, name: str, data: bytes, seen: Seen | None) -> int:
        """Replace a small object if it still has the generation that was seen."""
        generation = seen.generation if seen else None
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "data"
            file.write_bytes(data)
            uri = f"{self.location}/{name}"
            return self.store.upload(file, uri, if_absent=seen is None, generation=generation).generation

    def commit(self, entries: Sequence[Entry], sources: Mapping[str, Path], metadata: dict[str, Any]) -> Manifest:
        """Upload the files, then the manifest; where another was faster, what its manifest does not list goes again.

        What an error before the manifest leaves behind nobody reads, and the next attempt need not send it again.
        """
        sent: list[Entry] = []
        for entry in entries:
            path = object_name(entry)
            there = self.store.upload(sources[entry.name], f"{self.location}/{path}", if_absent=True)
            if there.crc32c != entry.crc32c:
                raise _changed(entry)
            sent.append(dataclasses.replace(entry, path=path, generation=there.generation))
        manifest = Manifest(self.location, tuple(sent), metadata)
        try:
            generation = self.write(MANIFEST, manifest.encode(), None)
        except AlreadyThereError:
            self._withdraw(sent)
            raise
        return dataclasses.replace(manifest, generation=generation)

    def _withdraw(self, sent: Sequence[Entry]) -> None:
        """Remove what the manifest that is there does not list, as far as that is allowed."""
        with suppress(PipelineError):
            there = read_manifest(self)
            listed = {entry.path for entry in there.files} if there else set()
            for entry in sent:
                if entry.path not in listed:
                    self.store.delete(self._object(entry))

    def _object(self, entry: Entry) -> gcs.Object:
        name = gcs.split(f"{self.location}/{entry.path}")[1]
        return gcs.Object(self._bucket, name, int(entry.generation or 0), entry.size, entry.crc32c)

    def download(self, entry: Entry, target: Path) -> None:
        """Download exactly the generation that was published."""
        self.store.download(self._object(entry), target)
        if not _holds(target, entry):
            target.unlink()
            raise _other(f"{self.location}/{entry.path}")


@dataclass(frozen=True)
class Folder:
    """A folder on this machine."""

    root: Path

    @property
    def location(self) -> str:
        """The folder's path."""
        return str(self.root)

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
                raise already_there(str(self.root / name))
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
                storage.copy(sources[entry.name], temporary / entry.path)
                if not _holds(temporary / entry.path, entry):
                    raise _changed(entry)
            storage.write_bytes(temporary / MANIFEST, manifest.encode())
        return manifest

    def download(self, entry: Entry, target: Path) -> None:
        """Copy a file."""
        storage.copy(self.root / entry.path, target)
        if not _holds(target, entry):
            target.unlink()
            raise _other(str(self.root / entry.path))


@contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``final``, and give it that name when the block ends without an error.

    What is put in it must have been synced.

    Raises:
        AlreadyThereError: there is a folder with something in it.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = storage.name_beside(final)
    temporary.mkdir()
    try:
        yield temporary
        temporary.rename(final)  # fails where there is one that is not empty, whoever made it meanwhile
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise already_there(str(final)) from None
        if str(temporary) in str(error.filename):
            error.filename = str(final)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _holds(path: Path, entry: Entry) -> bool:
    return path.stat().st_size == entry.size and storage.sha256_file(path) == entry.sha256


def _changed(entry: Entry) -> BadDataError:
    return BadDataError("the file changed while it was published", where=entry.name, fix="run again")


def _other(where: str) -> BadDataError:
    return BadDataError("this is not the file that was published", where=where, fix="publish it again elsewhere")
