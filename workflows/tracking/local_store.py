"""The MLflow database on this machine, for users without a tracking server."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = ".mlflow"
DATABASE = "mlflow.db"
_ARTIFACTS, _LOCK = "artifacts", ".lock"


def tracking_uri(runs: Path) -> str:
    """Return the address of the database in a folder of runs, which `make mlflow-ui` displays."""
    return f"sqlite:///{runs.absolute() / FOLDER / DATABASE}"


def artifact_uri(runs: Path) -> str:
    """Return the address of the folder of artifacts in a folder of runs."""
    return (runs.absolute() / FOLDER / _ARTIFACTS).as_uri()


@contextmanager
def locked(runs: Path) -> Iterator[None]:
    """Lock the database against other processes of this project on this machine, and create its folder."""
    folder = runs / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
