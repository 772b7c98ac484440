"""A proxy before an emulator of a store that breaks chosen requests in the ways of networks and services."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOREVER = 1 << 30
_PIECE = 4096
_START = 500
_HOP = {"transfer-encoding", "connection", "content-length", "date", "server", "expect"}
# What S3 calls its answers.
_CODES = {
    403: "AccessDenied",
    404: "NoSuchBucket",
    408: "RequestTimeout",
    429: "TooManyRequests",
    500: "InternalError",
    502: "BadGateway",
    503: "SlowDown",
    504: "GatewayTimeout",
}


@dataclass
class Fault:
    """What happens to the next ``times`` requests in whose target or first bytes ``target`` is found.

    ``method`` and ``target`` are patterns. ``status`` answers that, with ``message`` as the store words it, without
    asking the server; ``code`` is S3's, empty for its usual one. ``lost`` asks the server and drops the connection
    instead of answering. ``cut`` sends so many bytes of the body, then resets, or with ``quietly`` closes in good order
    after announcing no length. ``pause`` waits so many seconds before every piece. ``garble`` changes a byte of the
    body.
    """

    method: str
    target: str
    times: int = _FOREVER
    status: int = 0
    message: str = ""
    code: str = ""
    lost: bool = False
    cut: int = -1
    quietly: bool = False
    pause: float = 0
    garble: bool = False


@dataclass
class Proxy:
    """The running proxy: its address, what to break, and what was asked (method, target and first bytes, range).

    ``s3`` passes the requested host on, which an S3 client signs, and answers as S3 does.
    """

    url: str
    backend: int
    s3: bool = False
    faults: list[Fault] = field(default_factory=list)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, method: str, target: str = "") -> int:
        """Return how many requests there were."""
        return len(self.targets(method, target))

    def targets(self, method: str, target: str = "") -> list[str]:
        """Return the targets of requests, in order."""
        return [asked for verb, asked, _ in self.asked if re.fullmatch(method, verb) and re.search(target, asked)]

    def ranges(self, target: str) -> list[str]:
        """Return the ranges of downloads, in order."""
        return [span for method, asked, span in self.asked if method == "GET" and re.search(target, asked)]

    def take(self, method: str, target: str, span: str) -> Fault | None:
        with self.lock:
            self.asked.append((method, target, span))
            for fault in self.faults:
                if fault.times > 0 and re.fullmatch(fault.method, method) and re.search(fault.target, target):
                    fault.times -= 1
                    return fault
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: Proxy

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        """Close without the polite end that would come before a reset."""
        self.close_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: broken connections are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    kinds: ClassVar[tuple[str, ...]] = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")

    def log_message(self, *_: object) -> None:
        pass

    def handle_request(self) -> None:
        proxy = cast("_Server", self.server).proxy
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        target = (
            self.path + " " + body[:_START].decode("latin-1")
        )  # of an upload in one request, only the body has the name
        fault = proxy.take(self.command, target, self.headers.get("range", "")) or Fault("", "")
        if fault.status:
            self._refuse(fault, s3=proxy.s3)
            return
        connection = http.client.HTTPConnection("127.0.0.1", proxy.backend, timeout=20)
        dropped = _HOP if proxy.s3 else {*_HOP, "host"}
        headers = {name: value for name, value in self.headers.items() if name.lower() not in dropped}
        with contextlib.closing(connection):
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            data = answer.read()
        if fault.lost:
            self._reset()
            return
        if fault.garble:
            data = bytes([data[0] ^ 1]) + data[1:]
        self._answer(answer, data, fault, f"http://127.0.0.1:{proxy.backend}", proxy.url)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = handle_request  # noqa: N815 - what the base class calls

    def _refuse(self, fault: Fault, *, s3: bool) -> None:
        message = fault.message or http.client.responses[fault.status]
        data = json.dumps({"error": {"code": fault.status, "message": message}}).encode()
        if s3:
            code = fault.code or _CODES[fault.status]
            data = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        self.send_response(fault.status)
        self.send_header("content-type", "application/xml" if s3 else "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _answer(self, answer: http.client.HTTPResponse, data: bytes, fault: Fault, old: str, new: str) -> None:
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, value.replace(old, new))
        if not fault.quietly:
            whole = answer.getheader("content-length", "0") if self.command == "HEAD" else str(len(data))
            self.send_header("content-length", whole)
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        if fault.cut < 0 and not fault.pause:
            self.wfile.write(data)
            return
        part = data[: fault.cut] if fault.cut >= 0 else data
        for start in range(0, len(part), _PIECE):
            time.sleep(fault.pause)
            self.wfile.write(part[start : start + _PIECE])
        if fault.cut >= 0 and not fault.quietly:
            time.sleep(0.05)  # what was sent is to arrive before the reset
            self._reset()

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True


@contextlib.contextmanager
def proxied(backend: int, *, s3: bool = False) -> Iterator[Proxy]:
    """Run a proxy before the server on port ``backend`` of this machine."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.proxy = Proxy(f"http://127.0.0.1:{server.server_address[1]}", backend, s3)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
