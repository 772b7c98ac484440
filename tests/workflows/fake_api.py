"""An HTTP server with the answers that a test sets: those of the Kubernetes API, of argo-server, or errors."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Request:
    method: str
    path: str
    query: str
    body: Any
    headers: dict[str, str]


@dataclass
class FakeApi:
    """Answers by ``METHOD /path``. Each request takes the next answer of a list; the last one is repeated.

    An answer is ``(status, body)``; the status 0 stands for a server that hangs.
    """

    url: str = ""
    answers: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    # Answer to all other requests.
    default: tuple[int, Any] | None = None

    def on(self, what: str, *answers: tuple[int, Any]) -> None:
        self.answers[what] = list(answers)

    def answer(self, request: Request) -> tuple[int, Any]:
        self.requests.append(request)
        known = self.answers.get(f"{request.method} {request.path}")
        if not known:
            return self.default or (404, status(404, "the server could not find the requested resource"))
        return known.pop(0) if len(known) > 1 else known[0]

    def kubeconfig(self, folder: Path) -> Path:
        """Write a kubeconfig with a token for this server."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": {"server": self.url}}],
            "users": [{"name": "test", "user": {"token": "secret-token"}}],
        }
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump(document))
        return path


def status(code: int, message: str) -> dict[str, Any]:
    """Return an error in the form of the Kubernetes API."""
    return {"kind": "Status", "status": "Failure", "code": code, "message": message}


@contextmanager
def serve() -> Iterator[FakeApi]:
    """Yield a server that runs in a thread."""
    api, over = FakeApi(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            path, _, query = self.path.partition("?")
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(raw) if raw else None
            headers = {name.title(): value for name, value in self.headers.items()}
            code, answer = api.answer(Request(self.command, path, query, body, headers))
            if code == 0:
                over.wait(10)
                return
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(code)
            if code == HTTPStatus.TEMPORARY_REDIRECT:
                self.send_header("Location", f"{path}/")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - http.server's names

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - http.server's name
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield api
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()
