"""What a service does on a bad day: a proxy in front of BigQuery's REST, and one in front of its Storage Read API."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import grpc  # type: ignore[import-untyped]
import pyarrow as pa
from google.cloud.bigquery_storage_v1 import types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HOP = {"connection", "transfer-encoding", "content-length", "content-encoding", "host", "accept-encoding"}
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST, not FIN


@dataclass
class Fault:
    """What happens to requests whose ``METHOD /path?query`` matches: ``times`` times, then they pass.

    ``status`` answers with that code and a Google error of ``reason`` and ``message``, or with ``answer`` as JSON.
    ``cut`` is where a passing answer's body ends ("reset" sends RST after half of it, "short" closes there, "unsaid"
    closes there without having announced a length); ``wait`` are seconds before each half of the body.
    """

    request: str
    times: int = 1_000_000
    status: int = 0
    reason: str = "backendError"
    message: str = "a bad day"
    answer: Any = None
    cut: str = ""
    wait: float = 0.0

    def body(self) -> bytes:
        """Return the body of an answer with ``status``."""
        detail = {"message": self.message, "domain": "global", "reason": self.reason}
        error = {"error": {"code": self.status, "message": self.message, "errors": [detail]}}
        return json.dumps(error if self.answer is None else self.answer).encode()


@dataclass
class Proxy:
    """A proxy at ``url``; ``seen`` are the requests it had, ``sent`` the JSON in them, ``faults`` may be changed."""

    url: str
    target: str
    faults: list[Fault] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    sent: list[Any] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_fault(self, request: str, body: bytes) -> Fault:
        """Note a request, and return its fault, one that does nothing where it has none."""
        with self.lock:
            self.seen.append(request)
            if body.startswith(b"{"):
                self.sent.append(json.loads(body))
            for fault in self.faults:
                if fault.times and re.search(fault.request, request):
                    fault.times -= 1
                    return fault
        return Fault(request)

    def count(self, pattern: str) -> int:
        """Return how many requests matched."""
        return sum(re.search(pattern, request) is not None for request in self.seen)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.proxy.next_fault(f"{self.command} {self.path}", body)
        if fault.status:
            self._answer(fault, fault.status, [("Content-Type", "application/json")], fault.body())
            return
        target = HTTPConnection(urlsplit(self.proxy.target).netloc, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        target.request(self.command, self.path, body, headers)
        answer = target.getresponse()
        data = answer.read()
        target.close()
        self._answer(fault, answer.status, answer.getheaders(), data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass  # noqa: N815 - the base class's names

    def _answer(self, fault: Fault, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in _HOP | {"date", "server"}:
                self.send_header(name, value)
        if fault.cut != "unsaid":
            self.send_header("Content-Length", str(len(data)))
        if fault.cut:
            self.send_header("Connection", "close")
        self.end_headers()
        half = len(data) // 2
        for part in (data[:half], b"" if fault.cut else data[half:]):
            time.sleep(fault.wait)
            self.wfile.write(part)
            self.wfile.flush()
        if fault.cut == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients go away in the middle of an answer, and connections are reset here."""


@contextmanager
def rest_proxy(target: str, *faults: Fault) -> Iterator[Proxy]:
    """Put a proxy in front of the service at ``target`` (``http://host:port``)."""
    handler = type("Handler", (_Handler,), {})
    with _Server(("127.0.0.1", 0), handler) as server:
        proxy = Proxy(f"http://127.0.0.1:{server.server_port}", target, list(faults))
        handler.proxy = proxy  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()


@dataclass
class StorageProxy:
    """A Storage Read API at ``address`` that cuts answers into messages of few rows, as the real one does.

    ``refuse`` is the status with which a session is refused; ``starts`` are those with which the next calls for rows
    end before their first message, ``breaks`` those with which they end after it. ``sessions`` and ``offsets`` are
    what was asked for. ``silent`` is the number of messages after which nothing comes any more.
    """

    address: str = ""
    refuse: tuple[grpc.StatusCode, str] | None = None
    starts: list[tuple[grpc.StatusCode, str]] = field(default_factory=list)
    breaks: list[tuple[grpc.StatusCode, str]] = field(default_factory=list)
    sessions: list[types.CreateReadSessionRequest] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    silent: int = 1_000_000
    schema: pa.Schema | None = None
    ended: threading.Event = field(default_factory=threading.Event)


@contextmanager
def storage_proxy(target: str, rows: int) -> Iterator[StorageProxy]:
    """Put a proxy in front of the Storage Read API at ``target`` (``host:port``) that sends ``rows`` rows a message."""
    proxy = StorageProxy()
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(target, options=options) as channel, ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool, options=options)
        service = "google.cloud.bigquery.storage.v1.BigQueryRead"
        methods = {
            "CreateReadSession": grpc.unary_unary_rpc_method_handler(
                _session(proxy, channel.unary_unary(f"/{service}/CreateReadSession"))
            ),
            "ReadRows": grpc.unary_stream_rpc_method_handler(
                _rows(proxy, channel.unary_stream(f"/{service}/ReadRows"), rows)
            ),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
        proxy.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        try:
            yield proxy
        finally:
            proxy.ended.set()
            server.stop(grace=None).wait()


def _session(proxy: StorageProxy, ask: Callable[[bytes], bytes]) -> Callable[[bytes, Any], bytes]:
    def answer(request: bytes, context: Any) -> bytes:
        proxy.sessions.append(types.CreateReadSessionRequest.deserialize(request))
        if proxy.refuse:
            context.abort(*proxy.refuse)
        data = ask(request)
        session = types.ReadSession.deserialize(data)
        proxy.schema = pa.ipc.read_schema(pa.py_buffer(session.arrow_schema.serialized_schema))
        return data

    return answer


def _rows(
    proxy: StorageProxy, ask: Callable[[bytes], Iterator[bytes]], rows: int
) -> Callable[[bytes, Any], Iterator[bytes]]:
    def answer(request: bytes, context: Any) -> Iterator[bytes]:
        proxy.offsets.append(types.ReadRowsRequest.deserialize(request).offset)
        sent = 0
        if proxy.starts:
            context.abort(*proxy.starts.pop(0))
        # All of it at once: the emulator refuses an offset that it was interrupted before.
        for data in list(ask(request)):
            message = types.ReadRowsResponse.deserialize(data)
            serialized = pa.py_buffer(message.arrow_record_batch.serialized_record_batch)
            batch = pa.ipc.read_record_batch(serialized, proxy.schema)
            for start in range(0, batch.num_rows, rows):
                if sent == proxy.silent:
                    proxy.ended.wait()
                if sent and proxy.breaks:
                    context.abort(*proxy.breaks.pop(0))
                part = batch.slice(start, rows)
                message.arrow_record_batch.serialized_record_batch = part.serialize().to_pybytes()
                message.row_count = part.num_rows
                sent += 1
                yield types.ReadRowsResponse.serialize(message)

    return answer
