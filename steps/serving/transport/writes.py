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
    """

    def __init__(self, transport: asyncio.Transport, call_soon: Callable[[Callable[[], None]], Any]) -> None:
        self._transport, self._call_soon = transport, call_soon
        self._head = b""

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
        if not self._transport.is_closing():
            self._transport.write(data)

    def flush(self) -> None:
        """Write the head that waits."""
        if self._head:
            head, self._head = self._head, b""
            self._write(head)

    def close(self) -> None:
        """Write what waits, and close the connection."""
        self.flush()
        self._transport.close()


class JoiningProtocol(HttpToolsProtocol):
    """The HTTP protocol of uvicorn, which writes an answer at once."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection."""
        super().connection_made(JoiningTransport(transport, self.loop.call_soon))  # type: ignore[arg-type]
