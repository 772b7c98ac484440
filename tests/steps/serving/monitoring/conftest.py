"""Models with the profile of their training rows, as a run has them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from steps.serving.versions import load_folder

if TYPE_CHECKING:
    from pathlib import Path

    from steps.serving.versions import ServedModel


@pytest.fixture(scope="session")
def profiled(tmp_path_factory: pytest.TempPathFactory, trained: Path, training_profile_file: Path) -> ServedModel:
    """Models of a run with its profile."""
    made = tmp_path_factory.mktemp("profiled")
    shutil.copytree(trained, made / "models")
    shutil.copy(training_profile_file, made / "profile.json")
    return load_folder(made / "models", "profiled")
