"""The time limits of a transfer to or from a bucket, and the progress and checksum of a download."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from steps.core.crc32c import Crc32c
from steps.core.errors import PipelineError, TransientError, UnavailableError

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
        """The time limits for connecting, and between two pieces of data."""
        return self.connect, self.silence

    @property
    def longest_wait(self) -> float:
        """The longest wait between two attempts."""
        return 16 * self.first_wait


def corrupt_error(where: str, kind: str = "crc32c") -> TransientError:
    """Return the error for a transfer with the wrong checksum."""
    return TransientError(f"the bytes that arrived have another {kind}", where=where, fix="run again")


def is_transient(error: PipelineError | None) -> bool:
    """Return whether another attempt may succeed."""
    return isinstance(error, (TransientError, UnavailableError))


class Sink:
    """The file that a download writes to, with its checksums, its size and its time limits.

    Args:
        file: The file.
        where: The address of the object, for error messages.
        size: The size of the object in bytes.
        patience: The time limits.
        clock: Returns the time in seconds.

    Attributes:
        done: The number of bytes written so far.
        crc32c: The expected CRC32C in base64; empty if it is unknown.
        md5: The expected MD5, hexadecimal; empty if it is unknown. It must be set before the first byte arrives.
    """

    def __init__(
        self, file: BinaryIO, where: str, size: int, patience: Patience, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._file, self._where, self._size, self._patience, self._clock = file, where, size, patience, clock
        self._crc32c, self._md5 = Crc32c(), hashlib.md5(usedforsecurity=False)
        self.done, self.crc32c, self.md5 = 0, "", ""
        self._progress = clock()
        self._end = self._progress + patience.seconds + size / _SLOWEST

    def write(self, piece: bytes) -> int:
        """Write the next piece; TransientError if there are too many bytes, or the download is too slow."""
        self._file.write(piece)
        self._crc32c.update(piece)
        if self.md5:
            self._md5.update(piece)
        self.done += len(piece)
        self._progress = self._clock()
        if self.done > self._size:
            raise corrupt_error(self._where, "size")
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

    def check_content(self) -> None:
        """Raise TransientError if a checksum is not the expected one."""
        if self.crc32c and self._crc32c.base64 != self.crc32c:
            raise corrupt_error(self._where)
        if self.md5 and self._md5.hexdigest() != self.md5:
            raise corrupt_error(self._where, "md5")


def receive(
    sink: Sink,
    size: int,
    patience: Patience,
    attempt: Callable[[Sink], None],
    translate: Callable[[Exception], PipelineError | None],
) -> None:
    """Download an object in as many attempts as the time limits allow, and check its checksums.

    Args:
        sink: The file.
        size: The size of the object in bytes.
        patience: The time limits.
        attempt: Requests the bytes from ``sink.done`` on, and writes them to the sink.
        translate: Returns the translation of an error, None if it is not an error of the client.

    Raises:
        PipelineError: The download failed until the time limit, or cannot succeed.
    """
    wait = patience.first_wait
    while sink.done < size:
        before = sink.done
        try:
            attempt(sink)
            sink.check_whole()
        except Exception as error:
            known = translate(error)
            if known is None:
                raise
            wait = patience.first_wait if sink.done > before else 2 * wait
            if not is_transient(known) or sink.is_exhausted(wait):
                raise known from None
            time.sleep(wait)
    sink.check_content()
