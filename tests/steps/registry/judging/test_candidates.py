"""What the gate fetches. Decisions on a reference table are in tests/steps/reference, others in test_champion.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steps.comparison.policy import Limits, Policy
from steps.core.errors import BadDataError
from steps.registry.destinations import Folder
from steps.registry.judging import candidates
from steps.registry.versions import read_version
from tests.support import leftovers

if TYPE_CHECKING:
    from pathlib import Path

SLUGS = ("aspen", "krummholz")


def test_the_files_that_scoring_needs(registered: Path, tmp_path: Path) -> None:
    registry = Folder(registered)
    found = candidates.fetch_version_files(registry, read_version(registry, "v1"), tmp_path / "files")
    bundles = [
        f"models/{slug}/{name}" for slug in SLUGS for name in ("metadata.json", "model.ubj", "preprocessor.skops")
    ]
    assert leftovers(tmp_path / "files") == [*bundles, "row-fingerprints.parquet"]
    assert found.fingerprints == tmp_path / "files/row-fingerprints.parquet"
    assert found.parameters["aspen-split"]["seed"] == "3"


def test_a_time_is_measured_only_for_a_limit(registered: Path, tmp_path: Path) -> None:
    registry = Folder(registered)
    manifest = read_version(registry, "v1")
    own, present = candidates.fetch_candidates(registry, manifest, "v1", None, tmp_path)
    assert present
    assert candidates.add_times(registry, Policy(), own, present, tmp_path / "none") == (own, present)
    limited = Policy(limits=Limits(seconds_per_row_ratio=2))
    timed = candidates.add_times(registry, limited, own, present, tmp_path / "some")
    assert all(each and each.seconds_per_row for each in timed)


def test_a_damaged_champion_is_not_comparable_and_a_damaged_version_an_error(registered: Path, tmp_path: Path) -> None:
    registry = Folder(registered)
    manifest = read_version(registry, "v1")
    with pytest.raises(candidates.NotComparableError, match="the champion gone: there is no version"):
        candidates.fetch_candidates(registry, manifest, "gone", None, tmp_path)
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"x")
    with pytest.raises(BadDataError):
        candidates.fetch_candidates(registry, manifest, None, broken, tmp_path)
