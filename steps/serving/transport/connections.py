"""Connections of clients that are slow, idle or too many.

uvicorn closes a connection that sends nothing after an answer, and nothing else: a client that sends a byte now and
then, or that does not read its answer, would hold a connection for ever.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from steps.serving.formats.answers import encode_json
from steps.serving.transport.writes import JoiningProtocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

# The largest head of a request that does not arrive in one read. A read has at most 256 KiB.
MOST_HEAD_BYTES = 64 << 10


_UPGRADE = re.compile(rb"\r\nu(?=pgrade:)", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """What a client may take.

    Attributes:
        head_seconds: The time in which the head of a request must arrive after its first byte, or after the start of
            the connection.
        stalled_seconds: The time in which a client must read some of its answer.
        connections: The largest number of connections.
        unread_bytes: How many bytes of a refused body are read and forgotten.
        count: Called with the reason when a connection is refused.
    """

    head_seconds: float
    stalled_seconds: float
    connections: int
    unread_bytes: int
    count: Callable[[str], None]


class LimitedProtocol(JoiningProtocol):
    """The HTTP protocol of uvicorn with limits.

    Args:
        limits: The limits.
        arguments: The arguments of uvicorn.
    """

    def __init__(self, *, limits: Limits, **arguments: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(**arguments)
        self._limits = limits
        self._in_head, self._in_body, self._head_bytes, self._heads = False, False, 0, 0
        self._unread_bytes = limits.unread_bytes
        self._refusal: tuple[HTTPStatus, str, str] | None = None
        self._late: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection. If there are too many, an idle one is closed, or this one if none is idle."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            for other in self.connections:
                if other is not self and isinstance(other, LimitedProtocol) and other.is_idle:
                    other.transport.close()
                    break
            else:
                self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "connections", "there are too many connections")
                return
        self._late = self.loop.call_later(self._limits.head_seconds, self._end_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        for timer in (self._late, self._stalled):
            if timer is not None:
                timer.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read a part of a request. The clock runs until its head is complete."""
        if self._joining.is_lingering:
            self._unread_bytes -= len(data)
            if self._unread_bytes < 0:
                self.transport.close()
            return
        if self.transport.is_closing():
            return
        in_body, heads = self._in_body, self._heads
        super().data_received(data if in_body else _without_upgrade(data))
        if heads != self._heads:
            self._stop_waiting()
        if self._in_head or self.is_idle:
            # The body of a request that is answered already, such as one without a token, is read and forgotten. Who
            # closes the connection instead resets it, and the client does not see the answer.
            if not in_body and not self._in_body:
                # Where the last head begins in a read that ends others is not known.
                self._head_bytes += len(data) if heads == self._heads else 1
            if self.transport.is_closing():
                return
            if self._head_bytes > MOST_HEAD_BYTES:
                reason = f"the head has more than {MOST_HEAD_BYTES:,} bytes"
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head", reason)
            elif self._late is None:
                self._late = self.loop.call_later(self._limits.head_seconds, self._end_late)
        else:
            self._stop_waiting()
            self._head_bytes = 0

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Answer a request whose head is complete."""
        self._in_head, self._in_body, self._head_bytes = False, True, 0
        self._heads += 1
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Handle the end of a body."""
        self._in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the client to read the answer of the last one."""
        super().on_response_complete()
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self._watch_reader()
        if self._refusal is not None and self.is_idle and not self.transport.is_closing():
            self._refuse(*self._refusal)

    def pause_writing(self) -> None:
        """Begin to wait for a client that does not read."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """Stop waiting: the client reads again."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection without requests."""
        self.transport.abort() if self.transport.get_write_buffer_size() else super().timeout_keep_alive_handler()

    def _begin_to_linger(self) -> bool:
        """Return whether the client is still sending a body that was refused, and read it for some time.

        Closing the connection would reset it, and the client would not see the answer.
        """
        if not (self._in_body and self.cycle.response_complete and not self.cycle.keep_alive):
            return False
        self._stop_waiting()
        self._late = self.loop.call_later(self._limits.head_seconds, self.transport.close)
        self.flow.resume_reading()
        return True

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _watch_reader(self) -> None:
        if self._stalled is None:
            self._stalled = self.loop.call_later(self._limits.stalled_seconds, self._end_stalled)

    def _end_stalled(self) -> None:
        self._limits.count("slow reader")
        self.transport.abort()

    def _end_late(self) -> None:
        """Close a connection whose request does not arrive, after the answer of the one before."""
        self._late = None
        if self.transport.is_closing():
            return
        if not self.is_idle:
            self._late = self.loop.call_later(self._limits.head_seconds, self._end_late)
        elif self._head_bytes:
            reason = f"the head did not arrive in {self._limits.head_seconds:g} seconds"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "slow head", reason)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus, why: str, reason: str) -> None:
        """Answer, after the requests before, and close the connection."""
        if not self.is_idle:
            self._refusal = (status, why, reason)
            self.flow.pause_reading()
            return
        self._limits.count(why)
        if self._in_head or self.cycle is None:
            content = encode_json({"error": reason, "problems": []})
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\nconnection: close"
            self.transport.write(f"{head}\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content)
        self.transport.close()


def _without_upgrade(data: bytes) -> bytes:
    """Return the beginning of a request with another name of the header ``Upgrade``.

    The parser would take the body for another protocol. Java's HTTP client asks for HTTP/2 in this way. Only the first
    request of a read is changed: no client asks for another protocol in a pipeline.
    """
    size = data.find(b"\r\n\r\n")
    if data.find(b"pgrade:", 0, size if size >= 0 else len(data)) < 0:  # a large body is not searched
        return data
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"\r\nx", head) + end + rest
