"""A server in a thread of the tests, for the models of three cover types."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import requests

from steps import schema as schemas
from steps.options.serve import ServeOptions
from steps.serving import server, versions
from steps.serving.app import make_app
from steps.serving.gateway import JsonLog
from steps.serving.monitoring.metrics import Metrics
from steps.serving.versions import ServedModel, load_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

TOKEN = "a-token-of-the-tests"  # noqa: S105 - no secret


@dataclass
class Running:
    """A running server."""

    port: int
    holder: versions.Holder
    metrics: Metrics
    events: list[dict[str, Any]] = field(default_factory=list)
    session: requests.Session = field(default_factory=requests.Session)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.session.get(self.url(path), headers=headers, timeout=30)

    def post(self, path: str, body: Any, kind: str = "application/json", **headers: str) -> requests.Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.session.post(self.url(path), data=data, headers={"content-type": kind, **headers}, timeout=30)

    def raw(self, data: bytes, seconds: float = 10) -> bytes:
        """Send bytes, and return all that comes back until the connection ends or nothing comes any more."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            connection.sendall(data)
            found = b""
            try:
                while part := connection.recv(65536):
                    found += part
            except (TimeoutError, ConnectionResetError):
                pass
            return found


@contextmanager
def running(
    model: ServedModel,
    *,
    token: str = "",
    reloading: tuple[Any, str, float] | None = None,
    load: Any = None,
    **options: Any,
) -> Iterator[Running]:
    """Run a server."""
    given = ServeOptions(**options)
    metrics, log = Metrics(), JsonLog()
    holder = versions.Holder(model, metrics)
    opened = server.bind("127.0.0.1", 0)
    made = Running(opened.getsockname()[1], holder, metrics)
    log._write = lambda lines: made.events.extend(map(json.loads, lines))  # type: ignore[method-assign]
    reloader = (
        versions.Reloader(holder, *reloading, log, load, accept_columns=given.accept_columns) if reloading else None
    )
    app = make_app(holder, given, metrics=metrics, token=token, reloader=reloader, log=log)
    own = server.make_server(app, given, log)
    thread = threading.Thread(target=own.run, kwargs={"sockets": [opened]})
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not own.started and time.monotonic() < deadline:
            time.sleep(0.01)
        yield made
    finally:
        made.session.close()
        own.should_exit = True
        thread.join(30)
        opened.close()
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, trained: Path) -> Path:
    """A copy of the models, which gets a prepared forest."""
    made = tmp_path_factory.mktemp("serving") / "models"
    shutil.copytree(trained, made)
    return made


@pytest.fixture(scope="session")
def model(folder: Path) -> ServedModel:
    return load_folder(folder, "first")


@pytest.fixture(scope="session")
def service(model: ServedModel) -> Iterator[Running]:
    """A server that all tests share."""
    with running(model, max_rows=2_000, max_body=1 << 20, timeout=5) as made:
        yield made


@pytest.fixture(scope="session")
def profiled(tmp_path_factory: pytest.TempPathFactory, trained: Path, training_profile_file: Path) -> ServedModel:
    """Models of a run with its profile."""
    made = tmp_path_factory.mktemp("profiled")
    shutil.copytree(trained, made / "models")
    shutil.copy(training_profile_file, made / "profile.json")
    return load_folder(made / "models", "profiled")


@pytest.fixture(scope="session")
def explained(folder: Path, model: ServedModel) -> ServedModel:
    """The models with explanations of at most 20 rows."""
    assert model.explainer is None
    return load_folder(folder, "first", 20)


@pytest.fixture(scope="session")
def explaining(explained: ServedModel) -> Iterator[Running]:
    """A server that explains scores."""
    with running(explained, explain=True) as made:
        yield made


@pytest.fixture(scope="session")
def table() -> pa.Table:
    """Rows of the built-in table without labels."""
    found = pq.read_table(schemas.DATA / "covertype.parquet")
    columns = [name for name in found.column_names if name != "Cover_Type"]
    return found.select(columns).take(list(range(0, 200_000, 200)))


@pytest.fixture(scope="session")
def row(table: pa.Table) -> dict[str, Any]:
    found: dict[str, Any] = table.slice(0, 1).to_pylist()[0]
    return found
