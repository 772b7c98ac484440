"""The section on the rows: what was dropped, and the share of each cover type in the source and in the rows used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steps.reporting.run_results import CoverTypeName, RunResults

REASONS = {"missing": "for a missing value", "duplicates": "as duplicates", "not_in_sample": "by sampling"}


@dataclass(frozen=True)
class Prevalence:
    """A cover type's number and share of rows, in the source and in the rows used."""

    name: CoverTypeName
    source_rows: int
    source_share: float
    used_rows: int
    used_share: float
    differs: bool


@dataclass(frozen=True)
class RowsUsed:
    """View data of ``rows_used.html``.

    Attributes:
        used: number of rows that were used.
        read: number of rows of the source.
        dropped: number of dropped rows and the reason, for each reason that occurred.
        notes: notes of the profile.
        prevalences: one entry for each cover type of the schema.
    """

    used: int
    read: int
    dropped: Sequence[tuple[int, str]]
    notes: Sequence[str]
    prevalences: Sequence[Prevalence]


def rows_used(results: RunResults) -> RowsUsed | None:
    """Return the section, None if all rows of the source were used and the profile has no note."""
    data = results.document["data"]
    if not data["notes"] and data["rows"] == data["rows_read"]:
        return None
    return RowsUsed(
        used=data["rows"],
        read=data["rows_read"],
        dropped=[(data["dropped"][kind], reason) for kind, reason in REASONS.items() if data["dropped"][kind]],
        notes=data["notes"],
        prevalences=[_prevalence(results.name(each), each.slug, data) for each in results.schema.cover_types],
    )


def _prevalence(name: CoverTypeName, slug: str, data: Mapping[str, Any]) -> Prevalence:
    shares = data["prevalence"][slug]
    return Prevalence(
        name=name,
        source_rows=data["source_class_counts"][slug],
        source_share=shares["source"],
        used_rows=data["class_counts"][slug],
        used_share=shares["used"],
        differs=shares["differs"],
    )
