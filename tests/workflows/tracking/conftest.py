"""Two registered runs of the pipeline, and a real MLflow server on SQLite, each made once."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.workflows.command_line import invoke
from tests.workflows.tracking.server import ADMIN, LOGIN_SETTINGS, READER, post, running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
SMALL = ("--rows", "1000", "--preset", "fast", "--set", "train.rounds=2")


@dataclass(frozen=True)
class Made:
    """The folder with ``runs`` and ``registry``, and the names of the two runs: champion and candidate."""

    folder: Path
    champion: str
    candidate: str

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    @property
    def registry(self) -> Path:
        return self.folder / "registry"


@pytest.fixture(scope="session")
def mlflow_library() -> None:
    """Skip a test where MLflow's client is not installed; in CI it must be."""
    try:
        import mlflow  # noqa: F401 - whether it is there
    except ImportError:
        if os.environ.get("CI"):
            raise
        pytest.skip("no MLflow: `make mlflow` installs it")


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Two runs in a registry. The second one has one round, and does not become champion."""
    folder = tmp_path_factory.mktemp("made")
    for rounds in (3, 1):
        words = (*SMALL, "--set", f"train.rounds={rounds}", "--output", folder / "runs")
        assert invoke("run", *words, "--registry", folder / "registry") == 0
    champion, candidate = sorted(path.name for path in folder.glob("runs/covertype-*"))
    return Made(folder, champion, candidate)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory, mlflow_library: None) -> Path:  # noqa: ARG001 - skips
    """A database with MLflow's tables and nothing in them: to create them takes seconds."""
    from mlflow.store.db.utils import _initialize_tables, create_sqlalchemy_engine

    path = tmp_path_factory.mktemp("database") / "mlflow.db"
    engine = create_sqlalchemy_engine(f"sqlite:///{path}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SQLAlchemy's about MLflow
        _initialize_tables(engine)
    engine.dispose()
    return path


@pytest.fixture
def made(tmp_path: Path, made_once: Made, empty_database: Path) -> Made:
    """A copy of them, for a test that changes files or logs to the database."""
    for name in ("runs", "registry"):
        shutil.copytree(made_once.folder / name, tmp_path / name, ignore=shutil.ignore_patterns(".cache", "nodes"))
    (tmp_path / "runs/.mlflow").mkdir()
    shutil.copy(empty_database, tmp_path / "runs/.mlflow/mlflow.db")
    return Made(tmp_path, made_once.champion, made_once.candidate)


@pytest.fixture(autouse=True)
def _own_environment() -> Iterator[None]:
    """Restore the environment, in which MLflow and this project leave settings of MLflow."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)
    if mlflow := sys.modules.get("mlflow"):
        mlflow.set_tracking_uri(None)
        os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an MLflow server on SQLite, which stores artifacts itself."""
    with running_server(tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture(scope="session")
def login_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one with MLflow's own app for logins, and the users ``ADMIN`` and ``READER``."""
    folder = tmp_path_factory.mktemp("login")
    (folder / "login.ini").write_text(LOGIN_SETTINGS.format(folder=folder, password=ADMIN[1]))
    variables = {"MLFLOW_AUTH_CONFIG_PATH": f"{folder}/login.ini", "MLFLOW_FLASK_SERVER_SECRET_KEY": "of-these-tests"}
    with running_server(folder, "--app-name", "basic-auth", **variables) as address:
        post(address, "users/create", {"username": READER[0], "password": READER[1]})
        yield address
