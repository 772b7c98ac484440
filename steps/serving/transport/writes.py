"""Head and body of an answer in one write.

uvicorn writes them one after the other, and each write is a system call and a packet of its own, for which the client
wakes up twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_FINAL_HEAD = (b"HTTP/1.1 2", b"HTTP/1.1 3", b"HTTP/1.1 4", b"HTTP/1.1 5")
# A longer body is not copied.
_MOST_COPIED = 256 << 10


class JoiningTransport:
    """A transport that keeps the head of an answer until its body is written, or until the turn of the loop ends.

    Args:
        transport: The transport that writes.
        call_soon: Calls a function when the turn of the event loop ends.
        begin_to_linger: Called before the connection is closed. If it returns True, the transport ends its own side
            alone, and is closed by the second call of :meth:`close`.

    Attributes:
        is_lingering: Whether only the own side has ended.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        call_soon: Callable[[Callable[[], None]], Any],
        begin_to_linger: Callable[[], bool],
    ) -> None:
        self._transport, self._call_soon, self._begin_to_linger = transport, call_soon, begin_to_linger
        self._head = b""
        self.is_lingering = False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401, D105 - whatever a transport has
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write bytes, after the head that waits."""
        if self._head:
            head, self._head = self._head, b""
            if len(data) > _MOST_COPIED:
                self._write(head)
            else:
                data = head + data
        elif data[:10] in _FINAL_HEAD and data[-4:] == b"\r\n\r\n":
            self._head = data
            self._call_soon(self.flush)
            return
        self._write(data)

    def _write(self, data: bytes) -> None:
        """Write bytes, or nothing if the connection was closed, which uvicorn does not know of a pipelined request."""
        if not self.is_closing():
            self._transport.write(data)

    def flush(self) -> None:
        """Write the head that waits."""
        if self._head:
            head, self._head = self._head, b""
            self._write(head)

    def is_closing(self) -> bool:
        """Return whether nothing more is written."""
        return self.is_lingering or self._transport.is_closing()

    def close(self) -> None:
        """Write what waits, and close the connection, or its own side first."""
        self.flush()
        if self.is_closing() or not self._begin_to_linger():
            self._transport.close()
            return
        self.is_lingering = True
        self._transport.write_eof()


class JoiningProtocol(HttpToolsProtocol):
    """The HTTP protocol of uvicorn, which writes an answer at once."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection."""
        self._joining = JoiningTransport(transport, self.loop.call_soon, self._begin_to_linger)
        super().connection_made(self._joining)  # type: ignore[arg-type]

    def _begin_to_linger(self) -> bool:
        """Return whether the client may still send when the connection is to be closed."""
        return False
