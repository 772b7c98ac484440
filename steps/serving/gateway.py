"""What happens to every request: an id, the token, the limit of concurrent requests, the log and the metrics."""

from __future__ import annotations

import asyncio
import hmac
import os
import re
import sys
import time
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from steps.core.redaction import redact
from steps.serving.answers import encode_json
from steps.serving.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    from steps.serving.metrics import Metrics

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# Probes have no token.
_OPEN = frozenset({"/v2/health/live", "/v2/health/ready"})
_CLIENT_IS_GONE = 499
_LONGEST_PATH = 200


class JsonLog:
    """Writes lines of JSON to standard error: those of one turn of the event loop at once."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def __call__(self, event: str, **facts: Any) -> None:  # noqa: ANN401 - plain JSON values
        """Log an event with facts about it, which hold no value of a row."""
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03}Z"
        if not self._lines:
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:  # no loop is running
                self._lines.append(encode_json({"time": stamp, "event": event, **facts}))
                self.flush()
                return
        self._lines.append(encode_json({"time": stamp, "event": event, **facts}))

    def flush(self) -> None:
        """Write what waits. A log that cannot be written is not an error."""
        lines, self._lines = self._lines, []
        with suppress(OSError, ValueError):
            sys.stderr.buffer.write(b"\n".join(lines) + b"\n")
            sys.stderr.buffer.flush()


class Gateway:
    """An ASGI application around another.

    Args:
        app: The application with all routes.
        shortcuts: The endpoints that are called without a search among the routes, by path. They accept POST.
        token: The token that clients must send; empty for none.
        most: The largest number of requests that are handled at once.
        metrics: The metrics.
        log: Called with each request; None for no log of requests.
    """

    def __init__(  # noqa: PLR0913 - what it puts around the application
        self,
        app: App,
        *,
        shortcuts: Mapping[str, App],
        token: str,
        most: int,
        metrics: Metrics,
        log: Callable[..., None] | None,
        failure_log: Callable[..., None],
    ) -> None:
        self._app, self._shortcuts, self._token = app, shortcuts, token.encode()
        self._most, self._metrics, self._log, self._failure_log = most, metrics, log, failure_log
        self._running, self._number = 0, 0
        self._prefix = os.urandom(6).hex().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or the start and end of the server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        request_id, status, started = self._request_id(scope), 0, False
        scope["covertype"] = facts = {"route": "", "rows": 0, "version": ""}

        async def send_with_id(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id)]
            await send(message)

        try:
            await self._handle(scope, receive, send_with_id)
        except Exception as error:
            if type(error).__name__ == "ClientDisconnect":
                status = _CLIENT_IS_GONE
            else:
                status = HTTPStatus.INTERNAL_SERVER_ERROR
                place = f"{type(error).__name__} {_last_line(error)}"  # no text: it may hold values of a row
                self._failure_log("defect", id=request_id.decode(), error=place)
                if started:
                    raise
                await _send(send_with_id, status, {"error": "the server has a defect, which its log names"})
        finally:
            seconds = time.perf_counter() - begun
            route = facts["route"] or "other"
            self._metrics.count_request(route, int(status), seconds)
            if self._log is not None:
                self._log(
                    "request",
                    id=request_id.decode(),
                    method=scope["method"],
                    path=redact(scope["path"][:_LONGEST_PATH]),
                    status=int(status),
                    rows=facts["rows"],
                    version=facts["version"],
                    milliseconds=round(seconds * 1000, 3),
                )

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path in _OPEN:
            await self._app(scope, receive, send)
            return
        if self._token and not self._has_token(scope):
            self._metrics.count_refusal("token")
            refusal = RefusalError(HTTPStatus.UNAUTHORIZED, "the token is missing or wrong", close=True)
            await _send(send, refusal.status, refusal.content(), refusal.headers())
            return
        if self._running >= self._most:
            self._metrics.count_refusal("concurrency")
            reason = f"{self._most} requests are being handled: try again"
            refusal = RefusalError(HTTPStatus.TOO_MANY_REQUESTS, reason, close=True)
            await _send(send, refusal.status, refusal.content(), refusal.headers())
            return
        self._running += 1
        try:
            shortcut = self._shortcuts.get(path) if scope["method"] == "POST" else None
            await (shortcut or self._app)(scope, receive, send)
        finally:
            self._running -= 1

    def _request_id(self, scope: Scope) -> bytes:
        """Return the client's id of a request if it is short and plain, or else a new one."""
        for name, value in scope["headers"]:
            if name == b"x-request-id" and _ID.fullmatch(value):
                return bytes(value)
        self._number += 1
        return b"%b-%x" % (self._prefix, self._number)

    def _has_token(self, scope: Scope) -> bool:
        """Return whether a request has the token, in a time that does not depend on how much of it is right."""
        given = [b""]
        for name, value in scope["headers"]:
            if name == b"authorization" and value[:7].lower() == b"bearer ":
                given.append(value[7:].strip())
            elif name == b"x-api-key":
                given.append(value)
        return any([hmac.compare_digest(value, self._token) for value in given])


async def _send(send: Send, status: int, content: Any, headers: Mapping[str, str] | None = None) -> None:  # noqa: ANN401
    body = encode_json(content)
    every = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    raw = [(name.encode(), value.encode()) for name, value in every.items()]
    await send({"type": "http.response.start", "status": int(status), "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _last_line(error: BaseException) -> str:
    """Return where an exception was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"at {os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else ""  # noqa: PTH119
