"""The manifest of files that were published together: their names, paths, sizes and checksums."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from steps.core import storage
from steps.core.errors import AlreadyExistsError, BadDataError, UsageError

MANIFEST = "manifest.json"
FORMAT = 1
# The largest manifest that is uploaded in one request, whose precondition emulators support too.
MAXIMUM_BYTES = 8 << 20


@dataclass(frozen=True)
class Entry:
    """A published file.

    Attributes:
        name: The name of the file.
        path: The path of the file relative to the destination.
        size: The size in bytes.
        sha256: The SHA-256, hexadecimal.
        crc32c: The CRC32C in base64.
        generation: The generation of the object in a bucket (the ETag in S3); None in a folder.
    """

    name: str
    path: str
    size: int
    sha256: str
    crc32c: str
    generation: int | str | None = None


@dataclass(frozen=True)
class Manifest:
    """The files that were published together.

    Attributes:
        location: The address of the destination.
        files: The files.
        metadata: The metadata of the publisher, as JSON values.
        generation: The generation of the manifest in a bucket; None in a folder.
    """

    location: str
    files: tuple[Entry, ...]
    metadata: dict[str, Any] = field(default_factory=dict)
    generation: int | str | None = None

    def uri(self, entry: Entry) -> str:
        """Return the address of a file."""
        return f"{self.location}/{entry.path}"

    def encode(self) -> bytes:
        """Return the content of ``manifest.json``; UsageError if it is too large for one request."""
        files = [dataclasses.asdict(entry) for entry in self.files]
        content = {"format": FORMAT, "metadata": self.metadata, "files": files}
        document = {**content, "content_sha256": _content_sha256(content)}
        data = (json.dumps(document, indent=2, allow_nan=False, sort_keys=True, ensure_ascii=False) + "\n").encode()
        if len(data) > MAXIMUM_BYTES:
            what = f"{len(files)} files are too many, their manifest has more than {MAXIMUM_BYTES} bytes"
            raise UsageError(what, where=self.location, fix="publish fewer and larger files")
        return data


def decode_manifest(data: bytes, location: str, generation: int | str | None) -> Manifest:
    """Return the manifest that :meth:`Manifest.encode` wrote.

    Args:
        data: The content of ``manifest.json``.
        location: The address of the destination.
        generation: The generation of the manifest in a bucket; None in a folder.

    Raises:
        BadDataError: The content is not a manifest, or a path leads out of the destination.
    """
    try:
        document = storage.parse_json(data)
        files, metadata = tuple(Entry(**entry) for entry in document["files"]), document["metadata"]
        valid = document["format"] == FORMAT and isinstance(metadata, dict)
        valid = valid and all(is_valid_name(entry.name) and is_valid_name(entry.path) for entry in files)
        digest = document.pop("content_sha256", None)
    except (ValueError, TypeError, KeyError, AttributeError):
        valid = False
    if not valid:
        where = f"{location}/{MANIFEST}"
        raise BadDataError("not a manifest of published files", where=where, fix="publish to another destination")
    if digest is not None and digest != _content_sha256(document):  # manifests of before have none
        what = "this manifest has changed since it was written"
        raise BadDataError(what, where=f"{location}/{MANIFEST}", fix="restore it, or publish to another destination")
    return Manifest(location, files, metadata, generation)


def _content_sha256(content: dict[str, Any]) -> str:
    """Return the SHA-256 of the other entries of a manifest, as compact JSON with sorted keys.

    It finds damage. It proves nothing about who wrote the manifest: only a signature does.
    """
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def is_valid_name(name: str) -> bool:
    """Return whether a name is a normalised relative path that stays below its destination, without backslashes."""
    parts = name.split("/")
    return all(part not in ("", ".", "..") and part.isprintable() and "\\" not in part for part in parts)


def require_same_content(existing: Manifest, wanted: Manifest) -> Manifest:
    """Return the existing manifest if it has the wanted content; AlreadyExistsError names the first difference."""
    old, new = ({entry.name: entry.sha256 for entry in manifest.files} for manifest in (existing, wanted))
    differing = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    if not differing and existing.metadata == json.loads(json.dumps(wanted.metadata)):
        return existing
    example = repr(differing[0]) if differing else "the metadata"
    what = f"other content is already published ({example} differs)"
    raise AlreadyExistsError(what, where=existing.location, fix="choose another destination")
