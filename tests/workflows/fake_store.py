"""An S3 server in this process: one bucket, read by path-style requests, at most 1,000 keys a page."""

from __future__ import annotations

import hashlib
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "artifacts"
PAGE = 1000


@dataclass
class FakeStore:
    """Holds objects by key; ``refusal``, a status and a body, is answered to ``refusals`` requests instead.

    The next answers with an object end early after ``cuts`` bytes, as where a connection breaks.
    """

    endpoint: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    refusal: tuple[int, bytes] | None = None
    refusals: int = 1 << 30
    cuts: list[int] = field(default_factory=list)
    # Method, path with query, and Authorization header of each request.
    requests: list[tuple[str, str, str]] = field(default_factory=list)

    def page(self, query: dict[str, list[str]]) -> bytes:
        """Return a page of ListObjectsV2."""
        prefix, after = query.get("prefix", [""])[0], query.get("continuation-token", [""])[0]
        found = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        shown, more = found[:PAGE], len(found) > PAGE
        entries = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.objects[key])}</Size>"
            f"<ETag>{etag(self.objects[key])}</ETag></Contents>"
            for key in shown
        )
        token = f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if more else ""
        return (
            f"<ListBucketResult><Name>{BUCKET}</Name><KeyCount>{len(shown)}</KeyCount>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{entries}</ListBucketResult>"
        ).encode()


def etag(content: bytes) -> str:
    """Return the ETag of an object that was uploaded in one request."""
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    store: FakeStore

    def _answer(self) -> None:
        self.store.requests.append((self.command, self.path, self.headers.get("Authorization", "")))
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        if self.store.refusal and self.store.refusals > 0:
            self.store.refusals -= self.command != "HEAD"
            self._send(*self.store.refusal)
        elif bucket != BUCKET:
            self._send(404, b"<Error><Code>NoSuchBucket</Code><Message>no such bucket</Message></Error>")
        elif not key:
            self._send(200, self.store.page(parse_qs(parts.query)))
        elif key not in self.store.objects:
            self._send(404, b"<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>")
        else:
            self._send_object(self.store.objects[key])

    def _send_object(self, content: bytes) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not wanted:
            self._send(200, content, ETag=etag(content))
            return
        first, last = int(wanted[1]), int(wanted[2] or len(content) - 1)
        span = f"bytes {first}-{last}/{len(content)}"
        headers = {"Content-Range": span, "ETag": etag(content)}
        self._send(HTTPStatus.PARTIAL_CONTENT, content[first : last + 1], **headers)

    def _send(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            cut = self.store.cuts.pop(0) if "ETag" in headers and self.store.cuts else None
            self.wfile.write(content[:cut])
            self.close_connection = self.close_connection or cut is not None

    do_GET = do_HEAD = _answer  # noqa: N815 - http.server's names

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - http.server's name
        """Print nothing."""


@contextmanager
def serve_store() -> Iterator[FakeStore]:
    """Yield a store that runs in a thread."""
    store = FakeStore()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"store": store}))
    server.daemon_threads = True
    server.block_on_close = False  # the client keeps connections open
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    store.endpoint = f"127.0.0.1:{server.server_address[1]}"
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
