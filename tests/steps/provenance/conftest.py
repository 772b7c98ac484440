"""A registry for the tests of this folder."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def registry(tmp_path: Path, registered: Path) -> Path:
    """A copy of a registry with one version, for a test that changes it."""
    shutil.copytree(registered, tmp_path / "registry")
    return tmp_path / "registry"
