"""Publish files together: a reader finds all of them or none, and published files are never overwritten.

The destination is ``gs://bucket/prefix``, ``s3://bucket/prefix``, a folder, or ``file://``.

- In a bucket, every file is uploaded to an object whose name contains a part of its SHA-256. ``manifest.json``, which
  lists the files, is written last and only if there is none (``if_generation_match=0``, ``If-None-Match`` in S3).
- A folder gets its name when all files and the manifest are in it.

Publishing the same content again changes nothing. Publishing other content to the same destination is an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from steps.core import storage
from steps.core.crc32c import crc32c_file
from steps.core.errors import AlreadyExistsError, NoInputError, UsageError, already_exists
from steps.registry import destinations
from steps.registry.manifest import MANIFEST, Entry, Manifest, is_valid_name, require_same_content

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from steps.registry.destinations import Destination


@dataclass(frozen=True)
class Published:
    """The manifest at the destination, and whether it was there before (``already``)."""

    manifest: Manifest
    already: bool


def publish(
    files: Mapping[str, Path],
    destination: Destination,
    metadata: Mapping[str, Any] | None = None,
) -> Published:
    """Publish files.

    Args:
        files: The local paths by name (``cover_type=4/part-0.parquet``). A folder stands for all files in it, whose
            names begin with its name.
        destination: The destination, see ``steps.io.open_destination``.
        metadata: Metadata as JSON values. It is part of the content: publishing again with other metadata is an error.

    Raises:
        AlreadyExistsError: Other content is published there, or the folder is not empty.
        NoInputError: A file or the bucket does not exist.
        UsageError: Two files have the same name, a name leads out of the destination, or the manifest is too large.
    """
    sources = dict(_expand_folders(files))
    entries = tuple(_make_entry(name, path) for name, path in sorted(sources.items()))
    wanted = Manifest(destination.location, entries, dict(metadata or {}))
    wanted.encode()  # raises an error before anything is uploaded
    if existing := destinations.read_manifest(destination):
        return Published(require_same_content(existing, wanted), already=True)
    try:
        return Published(destination.commit(entries, sources, wanted.metadata), already=False)
    except AlreadyExistsError:
        if existing := destinations.read_manifest(destination):  # another publisher was faster
            return Published(require_same_content(existing, wanted), already=True)
        raise


def read_manifest(destination: Destination) -> Manifest:
    """Return the manifest at a destination.

    Raises:
        NoInputError: Nothing is published there.
        BadDataError: The manifest cannot be read.
    """
    found = destinations.read_manifest(destination)
    if found is None:
        what = f"nothing is published here (no {MANIFEST})"
        raise NoInputError(what, where=destination.location, fix="check the destination")
    return found


def fetch(destination: Destination, folder: Path, names: Collection[str] | None = None) -> Manifest:
    """Write published files to a new folder, which appears complete or not at all.

    Args:
        destination: The destination where they are published.
        folder: The folder to make.
        names: The names of the files to fetch; None for all.

    Raises:
        NoInputError: Nothing is published there, a file no longer exists, or there is no file with this name.
        BadDataError: A file is not the one that was published.
        AlreadyExistsError: The folder is not empty.
    """
    manifest = read_manifest(destination)
    wanted = [entry for entry in manifest.files if names is None or entry.name in names]
    for name in set(names or ()) - {entry.name for entry in wanted}:
        raise NoInputError(f"no file {name!r} is published here", where=destination.location, fix="check the name")
    if folder.is_dir() and any(folder.iterdir()):
        raise already_exists(str(folder))
    with destinations.new_folder(folder) as temporary:
        for entry in wanted:
            destination.download(entry, temporary / entry.name)
    return manifest


def _expand_folders(files: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """Yield the names and paths of files, with those in folders; UsageError for names that exclude each other."""
    taken: set[str] = set()
    for name, path in files.items():
        found = _files_below(name, path) if path.is_dir() else {name: path}
        for each, file in found.items():
            if not is_valid_name(each) or each == MANIFEST:
                raise UsageError(f"{each!r} cannot be the name of a published file", fix="use one like a/b.c")
            if each in taken:
                raise UsageError(f"two files have the name {each!r}", fix="rename one")
            taken.add(each)
            yield each, file
    for each in taken:
        if above := taken.intersection(map(str, PurePosixPath(each).parents)):
            raise UsageError(f"{above.pop()!r} is a file and the folder of {each!r}", fix="rename one")


def _files_below(name: str, folder: Path) -> dict[str, Path]:
    """Return the files in a folder by their names below ``name``, without unfinished temporary files."""
    found = {
        f"{name}/{path.relative_to(folder).as_posix()}".lstrip("/"): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and storage.PARTIAL not in path.name
    }
    if not found:
        raise NoInputError("there is no file in this folder", where=str(folder), fix="check the folder")
    return found


def _make_entry(name: str, path: Path) -> Entry:
    return Entry(name, name, path.stat().st_size, storage.sha256_file(path), crc32c_file(path))
