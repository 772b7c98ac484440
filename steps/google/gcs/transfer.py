"""What a transfer to or from Cloud Storage needs beside the client: how long to wait, and where bytes go."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from steps.core.crc32c import Crc32c
from steps.core.errors import TransientError
from steps.google.gcs.errors import corrupt

if TYPE_CHECKING:
    from collections.abc import Callable

# Bytes per second: a download that is slower over its whole length is given up.
_SLOWEST = 64 << 10


@dataclass(frozen=True)
class Patience:
    """How long to try: ``seconds`` without any progress, with growing waits from ``first_wait`` on.

    ``connect`` and ``silence`` (seconds) end one attempt: until a connection is there, and between two pieces of data.
    """

    seconds: float = 120
    first_wait: float = 0.5
    connect: float = 10
    silence: float = 30

    @property
    def timeout(self) -> tuple[float, float]:
        """What the client takes as ``timeout``."""
        return self.connect, self.silence

    def retry(self) -> Any:  # noqa: ANN401 - a google.api_core.retry.Retry, which is imported only here
        """Return what the client takes as ``retry``: 408, 429, 5xx and broken connections, for ``seconds`` in all."""
        from google.cloud.storage.retry import DEFAULT_RETRY  # type: ignore[import-untyped]

        waits = DEFAULT_RETRY.with_delay(initial=self.first_wait, maximum=16 * self.first_wait, multiplier=2)
        return waits.with_timeout(self.seconds)


class Sink:
    """Where a download's pieces go: counts and checks them, and knows when to stop waiting for more.

    Args:
        file: takes the bytes.
        where: the object's address, for errors.
        size: how many bytes there must be.
        patience: how long to wait.
        clock: seconds.
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
        """Take the next piece; TransientError where there are too many, or all in all it takes too long."""
        self._file.write(piece)
        self._checksum.update(piece)
        self.done += len(piece)
        self._progress = self._clock()
        if self.done > self._size:
            raise corrupt(self._where)
        if self._progress > self._end:
            raise TransientError("the download is too slow", where=self._where, fix="run again")
        return len(piece)

    def gave_up(self, wait: float) -> bool:
        """Return whether another attempt after ``wait`` seconds would be later than the patience allows."""
        then = self._clock() + wait
        return then > self._progress + self._patience.seconds or then > self._end

    def check_whole(self) -> None:
        """Let an answer that ended early without an error count as a broken connection."""
        if self.done < self._size:
            raise ConnectionError(f"{self.done} of {self._size} bytes")

    @property
    def crc32c(self) -> str:
        """The CRC32C of all bytes so far, in base64."""
        return self._checksum.base64
