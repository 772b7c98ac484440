"""A prefix in Cloud Storage as a destination of published files."""

from __future__ import annotations

import dataclasses
import tempfile
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from steps.core.errors import AlreadyExistsError, BadDataError, NoInputError, PipelineError, UsageError
from steps.google.gcs.store import Object, Store, split
from steps.registry.destinations import StoredFile, changed_file_error, has_content_of, read_manifest, wrong_file_error
from steps.registry.manifest import MANIFEST, MAXIMUM_BYTES, Entry, Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DIGITS = 12


def object_name(entry: Entry) -> str:
    """Return where a file goes below a prefix: ``a/part-0.parquet`` to ``a/part-0-3f2a91c0d4e5.parquet``.

    Other content has another name, so that two publishers never write to the same object.
    """
    path = PurePosixPath(entry.name)
    stem, dot, suffix = path.name.partition(".")
    return str(path.with_name(f"{stem}-{entry.sha256[:_DIGITS]}{dot}{suffix}"))


class Prefix:
    """``gs://bucket/prefix``; UsageError where the URI is none."""

    def __init__(self, store: Store, uri: str) -> None:
        self.store, self.location = store, uri.rstrip("/")
        self._bucket, name = split(self.location)
        if "*" in name or "?" in name:
            raise UsageError("a prefix has no wildcards", where=uri, fix="name one place")

    def below(self, name: str) -> Prefix:
        """Return the prefix below."""
        return Prefix(self.store, f"{self.location}/{name}")

    def read(self, name: str) -> StoredFile | None:
        """Return a small object, None where there is none."""
        try:
            found = self.store.get(f"{self.location}/{name}")
        except NoInputError:
            return None
        if found.size > MAXIMUM_BYTES:
            raise BadDataError("this is larger than anything this pipeline writes there", where=found.uri)
        return StoredFile(self.store.read(found), found.generation)

    def write(self, name: str, data: bytes, seen: StoredFile | None) -> int:
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
                raise changed_file_error(entry)
            sent.append(dataclasses.replace(entry, path=path, generation=there.generation))
        manifest = Manifest(self.location, tuple(sent), metadata)
        try:
            generation = self.write(MANIFEST, manifest.encode(), None)
        except AlreadyExistsError:
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

    def _object(self, entry: Entry) -> Object:
        name = split(f"{self.location}/{entry.path}")[1]
        return Object(self._bucket, name, int(entry.generation or 0), entry.size, entry.crc32c)

    def download(self, entry: Entry, target: Path) -> None:
        """Download exactly the generation that was published."""
        self.store.download(self._object(entry), target)
        if not has_content_of(target, entry):
            target.unlink()
            raise wrong_file_error(f"{self.location}/{entry.path}")
