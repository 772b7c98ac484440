"""What a comparison on a reference table is given, and what it returns; ``steps.reference`` scores the table.

A reference table has labels, and belongs to neither version: with it, versions that were trained on different data are
measured on the same rows.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

from steps.core.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from steps.comparison.score_table import TestScores


class UnusableReferenceError(BadDataError):
    """The versions cannot be compared on the reference table."""


@dataclass(frozen=True)
class VersionFiles:
    """The files of a version that scoring needs.

    Attributes:
        name: The name of the version.
        models: The folder of the bundles.
        fingerprints: The record of the rows that the run used; None if there is none.
        parameters: The options of the run's steps by the name of the step, as in the lineage of a version.
    """

    name: str
    models: Path
    fingerprints: Path | None
    parameters: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class ReferenceUse:
    """The rows of a reference table that a comparison used.

    Attributes:
        location: The address of the table.
        sha256: The digest of its file, or of the digests of its files.
        rows: The number of its rows.
        used: The number of rows that all versions were measured on.
        without_label: The number of rows that have no label.
        left_out: The number of rows with a label that are left out, because a version was, or may have been, fitted on
            them.
        fitted: The number of these rows of each version by name; None if the version has no record of its rows. Then
            none is left out because of it.
    """

    location: str
    sha256: str
    rows: int
    used: int
    without_label: int
    left_out: int
    fitted: Mapping[str, int | None]

    @property
    def without_record(self) -> list[str]:
        """The names of the versions that have no record of their rows."""
        return [name for name, count in self.fitted.items() if count is None]

    def describe(self) -> str:
        """Return what a reader of the verdict has to know, in one line."""
        text = f"{self.used:,} of {self.rows:,} rows of {self.location}"
        if self.left_out:
            text += f", {self.left_out:,} left out because a version was fitted on them"
        if self.without_label:
            text += f", {self.without_label:,} without a label"
        if unknown := self.without_record:
            text += f"; no record of the rows that {' and '.join(unknown)} was fitted on, so they are not left out"
        return text

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class ReferenceScores:
    """The scores of versions on the same rows of a reference table, in the order of the versions."""

    scores: tuple[TestScores, ...]
    use: ReferenceUse


class ReferenceTable(Protocol):
    """An open reference table."""

    @property
    def sha256(self) -> str:
        """The digest of its content."""

    def score(self, versions: Sequence[VersionFiles], minimum_positive: int) -> ReferenceScores:
        """Score its rows by versions.

        Args:
            versions: The versions.
            minimum_positive: The smallest number of rows of each cover type that is enough.

        Raises:
            UnusableReferenceError: The versions cannot be compared on it.
            BadDataError: A row or a model is damaged.
        """
