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
from urllib.parse import parse_qs

from steps.core.redaction import redact
from steps.serving.formats.answers import encode_json
from steps.serving.refusals import RefusalError, bad_request
from steps.tables.spelling import quote

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping

    from steps.serving.monitoring.metrics import Metrics

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]
    Endpoint = Callable[["Call"], Awaitable["Reply"]]

_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# Probes have no token, and neither has a browser that opens the page, which asks for one.
_OPEN = frozenset({"/", "/v2/health/live", "/v2/health/ready"})
# What is asked about the server itself is answered however many requests there are.
_UNLIMITED = _OPEN | {"/metrics"}
_CLIENT_IS_GONE = 499
_LONGEST_PATH = 200
# The largest number of fields of a query.
_MOST_FIELDS = 100
JSON = b"application/json"


class JsonLog:
    """Writes lines of JSON to standard error: those of one turn of the event loop at once."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._second, self._stamp = 0, ""

    def __call__(self, event: str, **facts: Any) -> None:  # noqa: ANN401 - plain JSON values
        """Log an event with facts about it, which hold no value of a row."""
        if not self._lines:
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:  # no loop is running
                self._write([self._line(event, facts)])
                return
        self._lines.append(self._line(event, facts))

    def _line(self, event: str, facts: Mapping[str, Any]) -> bytes:
        now = time.time()
        if int(now) != self._second:
            self._second = int(now)
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        return encode_json({"time": f"{self._stamp}.{int(now % 1 * 1000):03}Z", "event": event, **facts})

    def flush(self) -> None:
        """Write what waits. A log that cannot be written is not an error."""
        lines, self._lines = self._lines, []
        if lines:
            self._write(lines)

    def _write(self, lines: list[bytes]) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.buffer.write(b"\n".join(lines) + b"\n")
            sys.stderr.buffer.flush()


class ClientGoneError(Exception):
    """The client has closed the connection."""


class Call:
    """A request.

    Args:
        scope: What ASGI knows about it.
        receive: Returns the next part of the body.

    Attributes:
        headers: The headers by name in lower case; the last one of a name.
        query: The part of the address behind the question mark.
        parameters: The variables of the path.
        route: The path with the names of its variables, for log and metrics.
        rows: The number of rows that were scored.
        version: The version that scored them.
    """

    __slots__ = ("_receive", "headers", "parameters", "query", "route", "rows", "version")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.query: bytes = scope["query_string"]
        self.parameters: Mapping[str, str] = {}
        self.route, self.rows, self.version = "", 0, ""

    def header(self, name: bytes, default: str = "") -> str:
        """Return the value of a header."""
        value = self.headers.get(name)
        return default if value is None else value.decode("latin-1")

    def fields(self, *known: str) -> dict[str, list[str]]:
        """Return the values of each field of the query; RefusalError for a field that is not one of these."""
        if not self.query:
            return {}
        try:
            fields = parse_qs(self.query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise bad_request(f"the query has more than {_MOST_FIELDS} fields") from None
        for name in fields:
            if name not in known:
                raise bad_request(f"{quote(name)} is no parameter of this route: it has {', '.join(known) or 'none'}")
        return fields

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield the parts of the body; ClientGoneError if the client ends before it."""
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            more = message.get("more_body", False)
            yield message.get("body", b"")


class Reply:
    """An answer.

    Args:
        content: The body.
        kind: Its content type.
        status: The status.
        headers: More headers.
    """

    __slots__ = ("content", "headers", "status")

    def __init__(
        self, content: bytes, kind: bytes = JSON, status: int = 200, headers: Mapping[bytes, bytes] | None = None
    ) -> None:
        self.content, self.status = content, int(status)
        self.headers = [(b"content-type", kind), (b"content-length", b"%d" % len(content))]
        if headers:
            self.headers += headers.items()


def refusal_reply(refusal: RefusalError) -> Reply:
    """Return the answer to a request that is refused."""
    headers = {name.encode(): value.encode() for name, value in refusal.headers().items()}
    return Reply(encode_json(refusal.content()), status=refusal.status, headers=headers)


class Gateway:
    """An ASGI application around another.

    Args:
        app: The application with all routes. It finds the request as ``covertype`` in its scope.
        shortcuts: The endpoints that are called without a search among the routes, by path. They accept POST.
        token: The token that clients must send; empty for none.
        most: The largest number of requests that are handled at once.
        metrics: The metrics.
        log: The log.
        access_log: Whether to log each request.

    Attributes:
        count_refusal: Counts a request or connection that was refused.
    """

    def __init__(  # noqa: PLR0913 - what it puts around the application
        self,
        app: App,
        *,
        shortcuts: Mapping[str, Endpoint],
        token: str,
        most: int,
        metrics: Metrics,
        log: JsonLog,
        access_log: bool,
    ) -> None:
        self._app, self._shortcuts, self._token = app, shortcuts, token.encode()
        self._most, self._metrics, self._log, self._access_log = most, metrics, log, access_log
        self._running, self._number = 0, 0
        self._prefix = os.urandom(6).hex().encode()
        self.count_refusal = metrics.count_refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or the start and end of the server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        call, status = Call(scope, receive), 0
        request_id = self._request_id(call)

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id)]
            await send(message)

        try:
            reply = self._refuse(scope, call)
            if reply is None:
                counted = scope["path"] not in _UNLIMITED
                self._running += counted
                try:
                    reply = await self._handle(scope, receive, send_with_id, call)
                finally:
                    self._running -= counted
        except ClientGoneError:
            status = _CLIENT_IS_GONE
        except Exception as error:
            place = f"{type(error).__name__} {_last_line(error)}"  # no text: it may hold values of a row
            self._log("defect", id=request_id.decode(), error=place)
            if status:
                raise
            content = encode_json({"error": "the server has a defect, which its log names", "problems": []})
            reply = Reply(content, status=HTTPStatus.INTERNAL_SERVER_ERROR)
        if reply is not None and not status:
            await send_with_id({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
            await send({"type": "http.response.body", "body": reply.content})
        self._record(scope, call, request_id, status, time.perf_counter() - begun)

    async def _handle(self, scope: Scope, receive: Receive, send: Send, call: Call) -> Reply | None:
        """Return the answer of a shortcut; None if the application has answered."""
        endpoint = self._shortcuts.get(scope["path"]) if scope["method"] == "POST" else None
        if endpoint is not None:
            return await endpoint(call)
        if scope["method"] == "HEAD":  # uvicorn leaves the body out, and the routes need not know
            scope = {**scope, "method": "GET"}
        scope["covertype"] = call
        await self._app(scope, receive, send)
        return None

    def _refuse(self, scope: Scope, call: Call) -> Reply | None:
        """Return the answer to a request without the token, or to one too many; None for the others."""
        if scope["path"] in _OPEN:
            return None
        if self._token and not self._has_token(call):
            self._metrics.count_refusal("token")
            return refusal_reply(RefusalError(HTTPStatus.UNAUTHORIZED, "the token is missing or wrong", close=True))
        if self._running >= self._most and scope["path"] not in _UNLIMITED:
            self._metrics.count_refusal("concurrency")
            reason = f"{self._most} requests are being handled: try again"
            return refusal_reply(RefusalError(HTTPStatus.TOO_MANY_REQUESTS, reason, close=True))
        return None

    def _record(self, scope: Scope, call: Call, request_id: bytes, status: int, seconds: float) -> None:
        self._metrics.count_request(call.route or "other", status, seconds)
        if not self._access_log:
            return
        facts = {"id": request_id.decode(), "method": scope["method"], "route": call.route, "status": status}
        if not call.route:
            facts["path"] = redact(scope["path"][:_LONGEST_PATH])
        self._log("request", **facts, rows=call.rows, version=call.version, milliseconds=round(seconds * 1000, 3))

    def _request_id(self, call: Call) -> bytes:
        """Return the client's id of a request if it is short and plain, or else a new one."""
        given = call.headers.get(b"x-request-id")
        if given is not None and _ID.fullmatch(given):
            return given
        self._number += 1
        return b"%b-%x" % (self._prefix, self._number)

    def _has_token(self, call: Call) -> bool:
        """Return whether a request has the token, in a time that does not depend on how much of it is right."""
        bearer, key = call.headers.get(b"authorization", b""), call.headers.get(b"x-api-key", b"")
        given = bearer[7:].strip() if bearer[:7].lower() == b"bearer " else key
        return hmac.compare_digest(given, self._token)


def _last_line(error: BaseException) -> str:
    """Return where an exception was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"at {os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else ""  # noqa: PTH119
