"""A prefix in a bucket as a destination of published files."""

from __future__ import annotations

import dataclasses
import tempfile
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from steps.buckets import address
from steps.buckets.store import Object, Store
from steps.core.errors import AlreadyExistsError, BadDataError, NoInputError, PipelineError, TransientError, UsageError
from steps.registry.destinations import StoredFile, changed_file_error, has_content_of, read_manifest, wrong_file_error
from steps.registry.manifest import MANIFEST, MAXIMUM_BYTES, Entry, Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DIGITS = 12
_ATTEMPTS = 8


def object_name(entry: Entry) -> str:
    """Return the path of a file below a prefix, such as ``a/part-0-3f2a91c0d4e5.parquet`` for ``a/part-0.parquet``.

    Different content has a different path, so that two publishers never write to the same object.
    """
    path = PurePosixPath(entry.name)
    stem, dot, suffix = path.name.partition(".")
    return str(path.with_name(f"{stem}-{entry.sha256[:_DIGITS]}{dot}{suffix}"))


class Prefix:
    """A prefix in a bucket as a destination; UsageError for a URI that is not one of the store, or has wildcards."""

    def __init__(self, store: Store, uri: str) -> None:
        self.store, self.location = store, uri.rstrip("/")
        self._bucket, name = address.split_uri(self.location, store.scheme)
        if address.has_wildcard(name):
            raise UsageError("a prefix has no wildcards", where=uri, fix="give one prefix")

    def below(self, name: str) -> Prefix:
        """Return a prefix below this one."""
        return Prefix(self.store, f"{self.location}/{name}")

    def read(self, name: str) -> StoredFile | None:
        """Return a small object, None if it does not exist.

        Another process may replace the object after its generation was asked for. Then the new one is read.

        Raises:
            TransientError: The object was replaced at every attempt, or as for all methods of a store.
        """
        uri = f"{self.location}/{name}"
        for _ in range(_ATTEMPTS):
            try:
                found = self.store.get(uri)
            except NoInputError:
                return None
            if found.size > MAXIMUM_BYTES:
                raise BadDataError("this is larger than any file that this pipeline writes here", where=uri)
            with suppress(NoInputError):  # this generation is gone
                return StoredFile(self.store.read(found), found.generation)
        raise TransientError("others kept replacing this object", where=uri, fix="run again")

    def write(self, name: str, data: bytes, expected: StoredFile | None) -> int | str:
        """Replace a small object, if its generation is the expected one; AlreadyExistsError otherwise."""
        generation = expected.generation if expected else None
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "data"
            file.write_bytes(data)
            uri = f"{self.location}/{name}"
            return self.store.upload(file, uri, if_absent=expected is None, generation=generation).generation

    def names_below(self, name: str) -> list[str]:
        """Return the names of all objects below a prefix; none if there is none."""
        try:
            found = self.store.objects(f"{self.location}/{name}/**")
        except NoInputError:
            return []
        return [each.uri.removeprefix(f"{self.location}/") for each in found]

    def commit(self, entries: Sequence[Entry], sources: Mapping[str, Path], metadata: dict[str, Any]) -> Manifest:
        """Upload the files, then the manifest.

        If another publisher was faster, objects that its manifest does not list are removed. Objects that remain
        after an error are not listed in a manifest, so nobody reads them. The next attempt does not upload them again.
        """
        uploaded: list[Entry] = []
        for entry in entries:
            path = object_name(entry)
            found = self.store.upload(sources[entry.name], f"{self.location}/{path}", if_absent=True)
            if found.crc32c != entry.crc32c:
                raise changed_file_error(entry)
            uploaded.append(dataclasses.replace(entry, path=path, generation=found.generation))
        manifest = Manifest(self.location, tuple(uploaded), metadata)
        try:
            generation = self.write(MANIFEST, manifest.encode(), None)
        except AlreadyExistsError:
            self._delete_unlisted(uploaded)
            raise
        return dataclasses.replace(manifest, generation=generation)

    def _delete_unlisted(self, uploaded: Sequence[Entry]) -> None:
        """Delete objects that the existing manifest does not list, if permissions allow it."""
        with suppress(PipelineError):
            existing = read_manifest(self)
            listed = {entry.path for entry in existing.files} if existing else set()
            for entry in uploaded:
                if entry.path not in listed:
                    self.store.delete(self._object(entry))

    def _object(self, entry: Entry) -> Object:
        scheme = self.store.scheme
        name = address.split_uri(f"{self.location}/{entry.path}", scheme)[1]
        return Object(self._bucket, name, entry.generation or 0, entry.size, entry.crc32c, scheme)

    def download(self, entry: Entry, target: Path) -> None:
        """Download the generation that was published, and compare its SHA-256."""
        self.store.download(self._object(entry), target)
        if not has_content_of(target, entry):
            target.unlink()
            raise wrong_file_error(f"{self.location}/{entry.path}")
