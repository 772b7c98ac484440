"""What the gate fetches. Decisions on a reference table are in tests/steps/reference, others in test_champion.py."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, ClassVar

import pytest

from steps.comparison.policy import Limits, Policy
from steps.core.errors import BadDataError
from steps.registry.destinations import Folder
from steps.registry.judging import candidates, latency
from steps.registry.versions import read_version
from tests.registered_run import flip_byte
from tests.support import leftovers

if TYPE_CHECKING:
    from pathlib import Path

    from steps.registry.destinations import StoredFile
    from steps.registry.manifest import Entry

SLUGS = ("aspen", "krummholz")
FOREST = "models/forest.bin"


def test_the_files_that_scoring_needs(registered: Path, tmp_path: Path) -> None:
    registry = Folder(registered)
    found = candidates.fetch_version_files(registry, read_version(registry, "v1"), tmp_path / "files")
    bundles = [
        f"models/{slug}/{name}" for slug in SLUGS for name in ("metadata.json", "model.ubj", "preprocessor.skops")
    ]
    assert leftovers(tmp_path / "files") == [*bundles[:3], FOREST, *bundles[3:], "row-fingerprints.parquet"]
    assert found.fingerprints == tmp_path / "files/row-fingerprints.parquet"
    assert found.parameters["aspen-split"]["seed"] == "3"


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_prepared_forest_is_made_again_where_the_published_one_is_gone_or_damaged(
    registered: Path, tmp_path: Path, damage: str
) -> None:
    shutil.copytree(registered, tmp_path / "registry")
    registry = Folder(tmp_path / "registry")
    published = registry.root / "versions/v1" / FOREST
    found = candidates.fetch_version_files(registry, read_version(registry, "v1"), tmp_path / "sound")
    assert forest_of(found.models) == published.read_bytes()
    if damage == "gone":
        published.unlink()
    else:
        flip_byte(published)
    again = candidates.fetch_version_files(registry, read_version(registry, "v1"), tmp_path / "again")
    assert not (again.models / "forest.bin").exists()
    latency.open_predictors(again.models)
    assert forest_of(again.models) == forest_of(found.models)


def forest_of(models: Path) -> bytes:
    return (models / "forest.bin").read_bytes()


def versions_of(
    registry: Folder, tmp_path: Path, champion: str | None = "v1"
) -> tuple[candidates.Version, candidates.Version | None]:
    return candidates.open_versions(registry, read_version(registry, "v1"), champion, tmp_path / "files")


def test_a_time_is_measured_only_for_a_limit(registered: Path, tmp_path: Path) -> None:
    versions = versions_of(Folder(registered), tmp_path)
    own, present = candidates.fetch_candidates(*versions, None)
    assert present
    assert candidates.add_times(Policy(), own, present, *versions) == (own, present)
    limited = Policy(limits=Limits(seconds_per_row_ratio=2))
    timed = candidates.add_times(limited, own, present, *versions)
    assert all(each and each.seconds_per_row for each in timed)


class Counted(Folder):
    """A registry that notes which manifests and files are read."""

    asked: ClassVar[list[str]] = []

    def below(self, name: str) -> Counted:
        return Counted(self.root / name)

    def read(self, name: str) -> StoredFile | None:
        self.asked.append(name)
        return super().read(name)

    def download(self, entry: Entry, target: Path) -> None:
        self.asked.append(entry.name)
        super().download(entry, target)


def test_manifests_and_files_are_read_once_for_a_table_and_a_limit_of_time(registered: Path, tmp_path: Path) -> None:
    registry = Counted(registered)
    own, champion = versions_of(registry, tmp_path, None)
    candidate = candidates.fetch_candidates(own, champion, None)[0]
    assert own.files.models.is_dir()
    candidates.add_times(Policy(limits=Limits(seconds_per_row=1)), candidate, None, own, champion)
    assert sorted(registry.asked) == sorted({*registry.asked})
    assert {"manifest.json", "models/aspen/model.ubj", FOREST} < {*registry.asked}


def test_a_damaged_champion_is_not_comparable_and_a_damaged_version_an_error(registered: Path, tmp_path: Path) -> None:
    registry = Folder(registered)
    with pytest.raises(candidates.NotComparableError, match="the champion gone: there is no version"):
        versions_of(registry, tmp_path, "gone")
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"x")
    with pytest.raises(BadDataError):
        candidates.fetch_candidates(*versions_of(registry, tmp_path, None), broken)
