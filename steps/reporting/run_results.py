"""The results of a run that the report page shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from steps.reporting.palette import Hue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steps.schema import CoverType, Schema


class CoverTypeName(NamedTuple):
    """The title of a cover type, which the page shows behind a patch of its colour role."""

    title: str
    role: str


@dataclass(frozen=True)
class RunResults:
    """The results of a run.

    Attributes:
        schema: schema of the run's table.
        requested: cover types of the run, in the order of the report.
        document: content of ``report.json``.
        metrics: content of ``metrics.json`` by slug, for each evaluated cover type.
        curves: content of ``learning-curve.json`` by slug, for each trained cover type.
        seed: seed of the run.
        preset: preset of the run, which may be empty.
        searches: trial table by slug, for each cover type with a hyperparameter search.
        run: name of the run that made the report, empty outside a run.
    """

    schema: Schema
    requested: Sequence[CoverType]
    document: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, Any]]
    curves: Mapping[str, Mapping[str, Any]]
    seed: int
    preset: str
    searches: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    run: str = ""

    def hue(self, cover_type: CoverType) -> Hue:
        """Return the hue of a cover type, which depends only on its position in the schema."""
        return Hue.of(self.schema.cover_types.index(cover_type))

    def name(self, cover_type: CoverType) -> CoverTypeName:
        """Return the name of a cover type as the page shows it."""
        return CoverTypeName(cover_type.title, self.hue(cover_type).role)

    @property
    def evaluated(self) -> list[CoverType]:
        """The requested cover types that have metrics, in order."""
        return [cover_type for cover_type in self.requested if cover_type.slug in self.metrics]
