"""The models of three cover types on a sample of the bundled table."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from steps.core import storage
from tests.support import Chain, prepared

if TYPE_CHECKING:
    from pathlib import Path

SLUGS = ("spruce-fir", "lodgepole-pine", "krummholz")


@pytest.fixture(scope="session")
def chains(tmp_path_factory: pytest.TempPathFactory, datasets: Path) -> dict[str, Chain]:
    """Each cover type's way through all steps, with few rounds."""
    made = {slug: Chain(tmp_path_factory.mktemp(slug)) for slug in SLUGS}
    for slug, chain in made.items():
        shutil.copy(datasets / f"{slug}.parquet", chain["dataset"])
        chain.run(rounds=8, max_leaves=32)
    return made


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, chains: dict[str, Chain]) -> Path:
    """The folder ``models`` of a run."""
    folder = tmp_path_factory.mktemp("run") / "models"
    for slug, chain in chains.items():
        shutil.copytree(chain["model"], folder / slug)
    return folder


@pytest.fixture
def models(tmp_path: Path, trained: Path) -> Path:
    """A copy of them, for a test that changes a file."""
    shutil.copytree(trained, tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture(scope="session")
def training_profile_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The profile of the rows that they were made from."""
    folder = tmp_path_factory.mktemp("profile")
    profile, _ = prepared("builtin:", folder, rows=3000)
    storage.write_json(folder / "profile.json", profile)
    return folder / "profile.json"
