from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from workflows.tracking import local_store

if TYPE_CHECKING:
    import pytest


def test_addresses_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert local_store.tracking_uri(Path("runs")) == f"sqlite:///{tmp_path}/runs/.mlflow/mlflow.db"
    assert local_store.artifact_uri(Path("runs")) == f"file://{tmp_path}/runs/.mlflow/artifacts"


def test_the_lock_excludes_another_process(tmp_path: Path) -> None:
    attempt = "import fcntl, sys; fcntl.flock(open(sys.argv[1], 'w'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    command = [sys.executable, "-c", attempt, str(tmp_path / ".mlflow/.lock")]
    with local_store.locked(tmp_path):
        assert subprocess.run(command, capture_output=True, check=False).returncode != 0
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
