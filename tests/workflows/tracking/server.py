"""What tests know about servers of MLflow: where the real one is installed, and one that only pretends."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.emulators.processes import end_with_parent, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS = (os.environ.get("VENV", ".venv") + "-mlflow", ".venv-mlflow")
ROOT = Path(__file__).parents[3]
# Users of the server with logins, with their passwords.
ADMIN, READER = ("admin", "s3cr3t-of-the-admin"), ("reader", "s3cr3t-of-the-reader")
# Everybody may read everything.
LOGIN_SETTINGS = """[mlflow]
default_permission = READ
database_uri = sqlite:///{folder}/login.db
admin_username = admin
admin_password = {password}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""
# The first start imports many modules and creates the tables of the database.
_PATIENCE_SECONDS = 240


@contextlib.contextmanager
def running_server(folder: Path, *options: str, **variables: str) -> Iterator[str]:
    """Run MLflow's server on SQLite, with its files in a folder, and yield its address."""
    program = next((ROOT / name / "bin/mlflow" for name in SERVERS if (ROOT / name / ".done").is_file()), None)
    if program is None:
        assert not os.environ.get("CI"), "no MLflow server"
        pytest.skip("no MLflow server: `make mlflow-server` installs it")
    port = free_port()
    command = [str(program), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", *options]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", f"{folder}/artifacts"]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "PYTHON"))},
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "TMPDIR": str(folder),  # it is killed
        **variables,
    }
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            preexec_fn=end_with_parent,  # noqa: PLW1509 - it ends with this process
            process_group=0,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        assert wait_for_server(process, address), (folder / "log.txt").read_text()
        yield address
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def post(address: str, name: str, document: dict[str, str]) -> None:
    """Ask the server with logins for something as its admin."""
    headers = {"Content-Type": "application/json", "Authorization": basic(*ADMIN)}
    request = urllib.request.Request(f"{address}/api/2.0/mlflow/{name}", json.dumps(document).encode(), headers)  # noqa: S310 - loopback
    urllib.request.urlopen(request, timeout=60).close()  # noqa: S310 - loopback


def basic(user: str, password: str) -> str:
    """Return the header of a login."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def wait_for_server(process: subprocess.Popen[bytes], address: str) -> bool:
    """Wait until the server answers; False where it ended."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/health", timeout=5):  # noqa: S310 - loopback
            return True
        time.sleep(0.3)
    return False


@contextlib.contextmanager
def pretended_server(version: str = "", status: int = 200, others: int = 404, login: str = "") -> Iterator[str]:
    """Yield the host and port of a server that answers ``/version`` with a text, and all else with an error.

    Args:
        version: The text.
        status: The HTTP status of ``/version``.
        others: The HTTP status of everything else.
        login: The header ``Authorization`` without which every answer is 401; empty for none.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.path == "/version"
            refused = login and self.headers["Authorization"] != login
            self.send_response(401 if refused else status if asked else others)
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
