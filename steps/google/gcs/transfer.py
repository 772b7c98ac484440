"""The time limits of a transfer to or from Cloud Storage, and the progress of a download."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from steps.core.crc32c import Crc32c
from steps.core.errors import TransientError
from steps.google.gcs.errors import corrupt_error

if TYPE_CHECKING:
    from collections.abc import Callable

# The smallest average speed of a download, in bytes per second.
_SLOWEST = 64 << 10


@dataclass(frozen=True)
class Patience:
    """The time limits of a transfer, in seconds.

    Attributes:
        seconds: The time without any progress after which no further attempt is made.
        first_wait: The wait before the second attempt. Each further wait is twice as long.
        connect: The time limit of an attempt for connecting.
        silence: The time limit of an attempt between two pieces of data.
    """

    seconds: float = 120
    first_wait: float = 0.5
    connect: float = 10
    silence: float = 30

    @property
    def timeout(self) -> tuple[float, float]:
        """The ``timeout`` argument of the client's methods."""
        return self.connect, self.silence

    def retry(self) -> Any:  # noqa: ANN401 - a google.api_core.retry.Retry, which is imported only here
        """Return the ``retry`` argument of the client's methods: for 408, 429, 5xx and broken connections."""
        from google.cloud.storage.retry import DEFAULT_RETRY  # type: ignore[import-untyped]

        waits = DEFAULT_RETRY.with_delay(initial=self.first_wait, maximum=16 * self.first_wait, multiplier=2)
        return waits.with_timeout(self.seconds)


class Sink:
    """The file that a download writes to, with its checksum, its size and its time limits.

    Args:
        file: The file.
        where: The address of the object, for error messages.
        size: The size of the object in bytes.
        patience: The time limits.
        clock: Returns the time in seconds.
    """

    def __init__(
        self, file: BinaryIO, where: str, size: int, patience: Patience, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._file, self._where, self._size, self._patience, self._clock = file, where, size, patience, clock
        self._checksum = Crc32c()
        self.done = 0
        self._progress = clock()
        self._end = self._progress + patience.seconds + size / _SLOWEST

    def write(self, piece: bytes) -> int:
        """Write the next piece; TransientError if there are too many bytes, or the download is too slow."""
        self._file.write(piece)
        self._checksum.update(piece)
        self.done += len(piece)
        self._progress = self._clock()
        if self.done > self._size:
            raise corrupt_error(self._where)
        if self._progress > self._end:
            raise TransientError("the download is too slow", where=self._where, fix="run again")
        return len(piece)

    def is_exhausted(self, wait: float) -> bool:
        """Return whether another attempt after ``wait`` seconds would exceed a time limit."""
        then = self._clock() + wait
        return then > self._progress + self._patience.seconds or then > self._end

    def check_whole(self) -> None:
        """Raise ConnectionError if an answer ended early without an error."""
        if self.done < self._size:
            raise ConnectionError(f"{self.done} of {self._size} bytes")

    @property
    def crc32c(self) -> str:
        """The CRC32C of all bytes written so far, in base64."""
        return self._checksum.base64
