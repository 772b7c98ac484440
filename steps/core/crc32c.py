"""CRC32C checksums, encoded in base64 as Cloud Storage stores them with every object."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK_BYTES = 1 << 20


class Crc32c:
    """A running CRC32C checksum of a stream of bytes."""

    def __init__(self) -> None:
        import google_crc32c

        new_checksum: Any = google_crc32c.Checksum  # the library has no type information
        self._checksum = new_checksum()

    def update(self, chunk: bytes) -> None:
        """Add the next bytes of the stream."""
        self._checksum.update(chunk)

    @property
    def base64(self) -> str:
        """The checksum of all bytes added so far, big-endian, in base64."""
        return base64.b64encode(self._checksum.digest()).decode()


def crc32c_file(path: Path) -> str:
    """Return the CRC32C of a file in base64; memory use does not depend on the file's size."""
    checksum = Crc32c()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            checksum.update(chunk)
    return checksum.base64
