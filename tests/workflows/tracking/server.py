"""What tests know about servers of MLflow: where the real one is installed, and one that only pretends."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

SERVERS = (os.environ.get("VENV", ".venv") + "-mlflow", ".venv-mlflow")
# The first start imports many modules and creates the tables of the database.
_PATIENCE_SECONDS = 240


def wait_for_server(process: subprocess.Popen[bytes], address: str) -> bool:
    """Wait until the server answers; False where it ended."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/health", timeout=5):  # noqa: S310 - loopback
            return True
        time.sleep(0.3)
    return False


@contextlib.contextmanager
def pretended_server(version: str = "", status: int = 200, others: int = 404) -> Iterator[str]:
    """Yield the host and port of a server that answers ``/version`` with a text, and all else with an error.

    Args:
        version: The text.
        status: The HTTP status of ``/version``.
        others: The HTTP status of everything else.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.path == "/version"
            self.send_response(status if asked else others)
            self.end_headers()
            self.wfile.write(version.encode() if asked else b"Permission denied")

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
