"""Fetch what the gate judges of a version: its scores, its size, and the time that it takes to score a row."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from steps.bundles import folder as bundle
from steps.comparison import decision as gate
from steps.comparison import scores as test_scores
from steps.comparison.reference import UnusableReferenceError, VersionFiles
from steps.core.errors import BadDataError, NoInputError, renamed
from steps.registry.judging import latency
from steps.registry.paths import version_path
from steps.registry.versions import read_version
from steps.tables import fingerprints

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steps.comparison.decision import Candidate
    from steps.comparison.policy import Policy
    from steps.comparison.reference import ReferenceTable, ReferenceUse
    from steps.forest import Predictor
    from steps.registry.destinations import Destination
    from steps.registry.manifest import Manifest

SCORES = test_scores.FILE
_FIX = "promote with --force REASON, or train and register it again"


class NotComparableError(Exception):
    """Two versions lack what the gate compares. Its text is the reason."""


@dataclass(frozen=True)
class Version:
    """A version that the gate judges. Its files are fetched when they are first needed, and once.

    Attributes:
        registry: The registry.
        manifest: The manifest of the version.
        folder: The folder for its files, which does not exist.
    """

    registry: Destination
    manifest: Manifest
    folder: Path

    @property
    def name(self) -> str:
        """The name of the version."""
        return str(self.manifest.metadata["version"])

    @property
    def size(self) -> int:
        """The size of all bundles in bytes."""
        return sum(entry.size for entry in self.manifest.files if bundle.is_bundle_file(entry.name))

    @cached_property
    def files(self) -> VersionFiles:
        """The files that scoring needs; errors as for :func:`fetch_version_files`."""
        return fetch_version_files(self.registry, self.manifest, self.folder)


def open_versions(
    registry: Destination, manifest: Manifest, champion: str | None, folder: Path
) -> tuple[Version, Version | None]:
    """Return a version and the champion, None if there is none.

    Args:
        registry: The registry.
        manifest: The manifest of the version.
        champion: The name of the champion; None if there is none.
        folder: An empty folder for files.

    Raises:
        NotComparableError: The champion is damaged.
    """
    challenger = Version(registry, manifest, folder / "challenger")
    if champion is None:
        return challenger, None
    with _not_comparable(champion):
        return challenger, Version(registry, read_version(registry, champion), folder / "champion")


@contextmanager
def _not_comparable(champion: str) -> Iterator[None]:
    """Turn the errors about a damaged champion into NotComparableError."""
    try:
        yield
    except (NoInputError, BadDataError) as error:
        raise NotComparableError(f"the champion {champion}: {error}") from None


def fetch_candidates(
    challenger: Version, champion: Version | None, scores: Path | None
) -> tuple[Candidate, Candidate | None]:
    """Return a version and the champion with their test scores.

    Args:
        challenger: The version.
        champion: The champion; None if there is none.
        scores: The test scores of the version on this machine; None to fetch them.

    Raises:
        NotComparableError: One of them has no test scores, or the champion is damaged.
        BadDataError: The version is damaged.
    """
    own = _with_test_scores(challenger, scores)
    if champion is None:
        return own, None
    with _not_comparable(champion.name):
        return own, _with_test_scores(champion, None)


def fetch_for_reference(
    challenger: Version, champion: Version | None, table: ReferenceTable, minimum_positive: int
) -> tuple[Candidate, Candidate | None, ReferenceUse]:
    """Return a version and the champion with their scores on a reference table, and the rows used of it.

    Args:
        challenger: The version.
        champion: The champion; None if there is none.
        table: The reference table.
        minimum_positive: The smallest number of rows of each cover type that is enough.

    Raises:
        NotComparableError: The table does not suffice to compare them, or the champion is damaged.
        BadDataError: The version or the table is damaged.
    """
    versions, files = [challenger], [challenger.files]
    if champion is not None:
        with _not_comparable(champion.name):
            versions.append(champion)
            files.append(champion.files)
    try:
        found = table.score(files, minimum_positive)
    except UnusableReferenceError as error:
        raise NotComparableError(str(error)) from None
    own, *others = (
        gate.Candidate(version.name, scores, version.size)
        for version, scores in zip(versions, found.scores, strict=True)
    )
    return own, others[0] if others else None, found.use


def fetch_version_files(registry: Destination, manifest: Manifest, folder: Path) -> VersionFiles:
    """Fetch the bundles, the fingerprints and the prepared forests of a version.

    A prepared forest that is gone or damaged is left out: it is made again from the models.

    Args:
        registry: The registry.
        manifest: The manifest of the version.
        folder: The folder to make.

    Raises:
        NoInputError: A file is not in the registry.
        BadDataError: A file is not the one that was published.
    """
    version, record = manifest.metadata["version"], None
    source = registry.below(version_path(version))
    for entry in manifest.files:
        if bundle.is_prepared_forest(entry.name):
            with suppress(NoInputError, BadDataError):
                source.download(entry, folder / entry.name)
        elif bundle.is_bundle_file(entry.name) or entry.name == fingerprints.FILE:
            source.download(entry, folder / entry.name)
            record = folder / entry.name if entry.name == fingerprints.FILE else record
    return VersionFiles(version, folder / "models", record, manifest.metadata.get("parameters", {}))


def add_times(
    policy: Policy, own: Candidate, present: Candidate | None, challenger: Version, champion: Version | None
) -> tuple[Candidate, Candidate | None]:
    """Return both with the time to score a row, if the policy limits it.

    Args:
        policy: The policy.
        own: What is known of the version.
        present: What is known of the champion; None if there is none.
        challenger: The version.
        champion: The champion; None if there is none.

    Raises:
        NotComparableError: The champion is damaged.
        BadDataError: The version is damaged.
    """
    limits = policy.limits
    if limits.seconds_per_row is None and limits.seconds_per_row_ratio is None:
        return own, present
    predictors = [_open_predictors(challenger)]
    if champion is not None and limits.seconds_per_row_ratio is not None:
        with _not_comparable(champion.name):
            predictors.append(_open_predictors(champion))
    seconds = latency.measure_seconds_per_row(predictors)
    own = replace(own, seconds_per_row=seconds[0])
    if present is not None and len(seconds) > 1:
        present = replace(present, seconds_per_row=seconds[1])
    return own, present


def _open_predictors(version: Version) -> list[Predictor]:
    models = version.files.models
    with renamed(models.parent, version.registry.below(version_path(version.name)).location):
        return latency.open_predictors(models)


def _with_test_scores(version: Version, scores: Path | None) -> Candidate:
    """Return a version with its test scores, which are fetched if there is no file."""
    entries = {entry.name: entry for entry in version.manifest.files}
    if SCORES not in entries:
        raise NotComparableError(f"version {version.name} has no test scores, it is of an older release: {_FIX}")
    source = version.registry.below(version_path(version.name))
    if scores is None:
        scores = version.folder / SCORES
        source.download(entries[SCORES], scores)
    with renamed(scores, f"{source.location}/{SCORES}"):
        return gate.Candidate(version.name, test_scores.read_test_scores(scores), version.size)
