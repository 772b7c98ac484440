"""The manifest of files that were published together: what they are, where they are, and what they hold."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from steps.core.errors import AlreadyExistsError, BadDataError, UsageError

MANIFEST = "manifest.json"
FORMAT = 1
# What goes in one request, and so is written under a condition that also emulators keep.
MAXIMUM = 8 << 20


@dataclass(frozen=True)
class Entry:
    """A published file: its name, where it is below the place, its size in bytes, checksums, and generation.

    ``sha256`` is hexadecimal, ``crc32c`` base64 as in Cloud Storage; ``generation`` is None in a folder.
    """

    name: str
    path: str
    size: int
    sha256: str
    crc32c: str
    generation: int | None = None


@dataclass(frozen=True)
class Manifest:
    """What was published at ``location``, with the publisher's ``metadata`` (JSON) and its own generation."""

    location: str
    files: tuple[Entry, ...]
    metadata: dict[str, Any] = field(default_factory=dict)
    generation: int | None = None

    def uri(self, entry: Entry) -> str:
        """Return the address of a file."""
        return f"{self.location}/{entry.path}"

    def encode(self) -> bytes:
        """Return the bytes of ``manifest.json``; UsageError where they are too many for one request."""
        files = [dataclasses.asdict(entry) for entry in self.files]
        document = {"format": FORMAT, "metadata": self.metadata, "files": files}
        data = (json.dumps(document, indent=2, allow_nan=False, sort_keys=True, ensure_ascii=False) + "\n").encode()
        if len(data) > MAXIMUM:
            what = f"{len(files)} files are too many, their manifest has more than {MAXIMUM} bytes"
            raise UsageError(what, where=self.location, fix="publish fewer and larger files")
        return data


def decode(data: bytes, location: str, generation: int | None) -> Manifest:
    """Read what :meth:`Manifest.encode` wrote; BadDataError where it is something else."""
    try:
        document = json.loads(data)
        files, metadata = tuple(Entry(**entry) for entry in document["files"]), document["metadata"]
        whole = document["format"] == FORMAT and isinstance(metadata, dict)
        whole = whole and all(is_good(entry.name) and is_good(entry.path) for entry in files)
    except (ValueError, TypeError, KeyError, AttributeError):
        whole = False
    if not whole:
        where = f"{location}/{MANIFEST}"
        raise BadDataError("not a manifest of published files", where=where, fix="publish to another place")
    return Manifest(location, files, metadata, generation)


def is_good(name: str) -> bool:
    """Return whether a name stays below the place it is put in, and is spelt in the one way."""
    parts = name.split("/")
    return all(part not in ("", ".", "..") and part.isprintable() and "\\" not in part for part in parts)


def same(there: Manifest, wanted: Manifest) -> Manifest:
    """Return the manifest that is there if it is about the same content; AlreadyExistsError says what differs."""
    old, new = ({entry.name: entry.sha256 for entry in manifest.files} for manifest in (there, wanted))
    differing = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    if not differing and there.metadata == json.loads(json.dumps(wanted.metadata)):
        return there
    example = repr(differing[0]) if differing else "the metadata"
    what = f"other content is published there already ({example} differs)"
    raise AlreadyExistsError(what, where=there.location, fix="name another place")
