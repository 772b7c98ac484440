"""Fetch what the gate judges of a version: its scores, its size, and the time that it takes to score a row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from steps.bundles import folder as bundle
from steps.comparison import decision as gate
from steps.comparison import scores as test_scores
from steps.comparison.reference import UnusableReferenceError, VersionFiles
from steps.core.errors import BadDataError, NoInputError, renamed
from steps.registry import publishing
from steps.registry.judging import latency
from steps.registry.paths import version_path
from steps.registry.versions import read_version
from steps.tables import fingerprints

if TYPE_CHECKING:
    from pathlib import Path

    from steps.comparison.decision import Candidate
    from steps.comparison.policy import Policy
    from steps.comparison.reference import ReferenceTable, ReferenceUse
    from steps.registry.destinations import Destination
    from steps.registry.manifest import Manifest

SCORES = test_scores.FILE
_FIX = "promote with --force REASON, or train and register it again"


class NotComparableError(Exception):
    """Two versions lack what the gate compares. Its text is the reason."""


def fetch_candidates(
    registry: Destination, manifest: Manifest, champion: str | None, scores: Path | None, folder: Path
) -> tuple[Candidate, Candidate | None]:
    """Return a version and the champion with their test scores.

    Args:
        registry: The registry.
        manifest: The manifest of the version.
        champion: The name of the champion; None if there is none.
        scores: The test scores of the version on this machine; None to fetch them.
        folder: An empty folder for files.

    Raises:
        NotComparableError: One of them has no test scores, or the champion is damaged.
        BadDataError: The version is damaged.
    """
    challenger = _with_test_scores(registry, manifest, scores or folder / "challenger.parquet")
    if champion is None:
        return challenger, None
    try:
        found = read_version(registry, champion)
        return challenger, _with_test_scores(registry, found, folder / "champion.parquet")
    except (NoInputError, BadDataError) as error:
        raise NotComparableError(f"the champion {champion}: {error}") from None


def fetch_for_reference(  # noqa: PLR0913, PLR0917 - where the versions are, and what they are measured on
    registry: Destination,
    manifest: Manifest,
    champion: str | None,
    table: ReferenceTable,
    minimum_positive: int,
    folder: Path,
) -> tuple[Candidate, Candidate | None, ReferenceUse]:
    """Return a version and the champion with their scores on a reference table, and the rows used of it.

    Args:
        registry: The registry.
        manifest: The manifest of the version.
        champion: The name of the champion; None if there is none.
        table: The reference table.
        minimum_positive: The smallest number of rows of each cover type that is enough.
        folder: An empty folder for files.

    Raises:
        NotComparableError: The table does not suffice to compare them, or the champion is damaged.
        BadDataError: The version or the table is damaged.
    """
    manifests = [manifest]
    versions = [fetch_version_files(registry, manifest, folder / "challenger-files")]
    if champion is not None:
        try:
            manifests.append(read_version(registry, champion))
            versions.append(fetch_version_files(registry, manifests[1], folder / "champion-files"))
        except (NoInputError, BadDataError) as error:
            raise NotComparableError(f"the champion {champion}: {error}") from None
    try:
        found = table.score(versions, minimum_positive)
    except UnusableReferenceError as error:
        raise NotComparableError(str(error)) from None
    challenger, *others = (
        gate.Candidate(version.name, scores, _size(each))
        for version, scores, each in zip(versions, found.scores, manifests, strict=True)
    )
    return challenger, others[0] if others else None, found.use


def fetch_version_files(registry: Destination, manifest: Manifest, folder: Path) -> VersionFiles:
    """Fetch the bundles and the fingerprints of a version.

    Args:
        registry: The registry.
        manifest: The manifest of the version.
        folder: The folder to make.

    Raises:
        NoInputError: A file is not in the registry.
        BadDataError: A file is not the one that was published.
    """
    names = {each.name for each in manifest.files}
    wanted = {name for name in names if bundle.is_bundle_file(name) or name == fingerprints.FILE}
    version = manifest.metadata["version"]
    publishing.fetch(registry.below(version_path(version)), folder, wanted)
    record = folder / fingerprints.FILE if fingerprints.FILE in names else None
    return VersionFiles(version, folder / "models", record, manifest.metadata.get("parameters", {}))


def add_times(
    registry: Destination,
    policy: Policy,
    challenger: Candidate,
    champion: Candidate | None,
    folder: Path,
) -> tuple[Candidate, Candidate | None]:
    """Return both with the time to score a row, if the policy limits it.

    Raises:
        NotComparableError: The champion is damaged.
        BadDataError: The version is damaged.
    """
    limits = policy.limits
    if limits.seconds_per_row is None and limits.seconds_per_row_ratio is None:
        return challenger, champion
    predictors = [latency.open_predictors(registry, read_version(registry, challenger.name), folder / "challenger")]
    if champion is not None and limits.seconds_per_row_ratio is not None:
        try:
            manifest = read_version(registry, champion.name)
            predictors.append(latency.open_predictors(registry, manifest, folder / "champion"))
        except (NoInputError, BadDataError) as error:
            raise NotComparableError(f"the champion {champion.name}: {error}") from None
    seconds = latency.measure_seconds_per_row(predictors)
    challenger = replace(challenger, seconds_per_row=seconds[0])
    if champion is not None and len(seconds) > 1:
        champion = replace(champion, seconds_per_row=seconds[1])
    return challenger, champion


def _with_test_scores(registry: Destination, manifest: Manifest, scores: Path) -> Candidate:
    """Return a version with its test scores, which are fetched if the file does not exist."""
    version = manifest.metadata["version"]
    entries = {entry.name: entry for entry in manifest.files}
    if SCORES not in entries:
        raise NotComparableError(f"version {version} has no test scores, it is of an older release: {_FIX}")
    folder = registry.below(version_path(version))
    if not scores.exists():
        folder.download(entries[SCORES], scores)
    with renamed(scores, f"{folder.location}/{SCORES}"):
        return gate.Candidate(version, test_scores.read_test_scores(scores), _size(manifest))


def _size(manifest: Manifest) -> int:
    """Return the size of all bundles in bytes."""
    return sum(entry.size for entry in manifest.files if bundle.is_bundle_file(entry.name))
