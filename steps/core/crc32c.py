"""CRC32C checksums in base64, as Cloud Storage keeps them of every object."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_READ = 1 << 20


class Crc32c:
    """The CRC32C of all bytes so far."""

    def __init__(self) -> None:
        import google_crc32c

        make: Any = google_crc32c.Checksum  # no types
        self._checksum = make()

    def update(self, piece: bytes) -> None:
        """Add the next bytes."""
        self._checksum.update(piece)

    @property
    def base64(self) -> str:
        """The checksum in base64."""
        return base64.b64encode(self._checksum.digest()).decode()


def crc32c_file(path: Path) -> str:
    """Return the CRC32C of a file's bytes in base64, read in pieces of 1 MiB."""
    checksum = Crc32c()
    with path.open("rb") as file:
        while piece := file.read(_READ):
            checksum.update(piece)
    return checksum.base64
