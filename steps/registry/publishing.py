"""Publish files together: a reader sees all of them or none, and nobody overwrites what was published.

The place is ``gs://bucket/prefix``, a folder, or ``file://``. In a bucket every file first goes to an object whose name
holds part of its SHA-256, then ``manifest.json``, which lists them, is written last and only where there is none
(``if_generation_match=0``). A folder appears under its name whole, manifest included. Publishing the same again changes
nothing; anything else at the same place is an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from steps.core import storage
from steps.core.crc32c import crc32c_file
from steps.core.errors import AlreadyExistsError, NoInputError, UsageError, already_exists
from steps.registry.destinations import new_folder
from steps.registry.destinations import read_manifest as manifest_of
from steps.registry.manifest import MANIFEST, Entry, Manifest, is_good, same

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from steps.registry.destinations import Destination


@dataclass(frozen=True)
class Published:
    """The manifest that is there now; ``already`` tells that it was before."""

    manifest: Manifest
    already: bool


def publish(
    files: Mapping[str, Path],
    destination: Destination,
    metadata: Mapping[str, Any] | None = None,
) -> Published:
    """Publish files.

    Args:
        files: local paths by name (``cover_type=4/part-0.parquet``); of a folder every file in it, below that name.
        destination: where to, see ``steps.io.open_destination``; nothing else may be published there.
        metadata: facts as JSON. They belong to the content: publishing again with others is an error.

    Raises:
        AlreadyExistsError: something else is published there, or the folder is not empty.
        NoInputError: a file is missing, or the bucket.
        UsageError: two files have one name, a name leads out of the place, or the manifest is too large.
    """
    sources = dict(_expanded(files))
    entries = tuple(_entry(name, path) for name, path in sorted(sources.items()))
    wanted = Manifest(destination.location, entries, dict(metadata or {}))
    wanted.encode()  # before anything is sent
    if there := manifest_of(destination):
        return Published(same(there, wanted), already=True)
    try:
        return Published(destination.commit(entries, sources, wanted.metadata), already=False)
    except AlreadyExistsError:
        if there := manifest_of(destination):  # another publisher was faster
            return Published(same(there, wanted), already=True)
        raise


def read_manifest(destination: Destination) -> Manifest:
    """Return what is published there; NoInputError where nothing is, BadDataError where it cannot be read."""
    return _required(destination)


def fetch(destination: Destination, folder: Path, names: Collection[str] | None = None) -> Manifest:
    """Write what is published there, or only ``names``, to a new folder, which is whole or absent.

    Raises:
        NoInputError: nothing is published there, a file is gone, or there is no such name.
        BadDataError: a file is not the one that was published.
        AlreadyExistsError: the folder is not empty.
    """
    manifest = _required(destination)
    wanted = [entry for entry in manifest.files if names is None or entry.name in names]
    for name in set(names or ()) - {entry.name for entry in wanted}:
        raise NoInputError(f"no file {name!r} is published here", where=destination.location, fix="check the name")
    if folder.is_dir() and any(folder.iterdir()):
        raise already_exists(str(folder))
    with new_folder(folder) as temporary:
        for entry in wanted:
            destination.download(entry, temporary / entry.name)
    return manifest


def _required(destination: Destination) -> Manifest:
    found = manifest_of(destination)
    if found is None:
        raise NoInputError(
            f"nothing is published here (no {MANIFEST})", where=destination.location, fix="check the place"
        )
    return found


def _expanded(files: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """Yield names and files, those in folders too, after checking that the names go together."""
    taken: set[str] = set()
    for name, path in files.items():
        found = _below(name, path) if path.is_dir() else {name: path}
        for each, file in found.items():
            if not is_good(each) or each == MANIFEST:
                raise UsageError(f"{each!r} cannot be the name of a published file", fix="use one like a/b.c")
            if each in taken:
                raise UsageError(f"two files have the name {each!r}", fix="rename one")
            taken.add(each)
            yield each, file
    for each in taken:
        if above := taken.intersection(map(str, PurePosixPath(each).parents)):
            raise UsageError(f"{above.pop()!r} is a file and the folder of {each!r}", fix="rename one")


def _below(name: str, folder: Path) -> dict[str, Path]:
    """Return the files in a folder by their names below ``name``, without what a writer left unfinished."""
    found = {
        f"{name}/{path.relative_to(folder).as_posix()}".lstrip("/"): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and storage.PARTIAL not in path.name
    }
    if not found:
        raise NoInputError("there is no file in this folder", where=str(folder), fix="check the folder")
    return found


def _entry(name: str, path: Path) -> Entry:
    return Entry(name, name, path.stat().st_size, storage.sha256_file(path), crc32c_file(path))
