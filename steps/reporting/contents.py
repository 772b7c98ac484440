"""What a report shows: the figures of a run and what lies behind its curves."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from steps.reporting import charts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steps.schema import CoverType, Schema

# Metrics of one model by their keys in ``metrics.json``, with their titles.
METRICS = {
    "f1": "F1",
    "precision": "Precision",
    "recall": "Recall",
    "pr_auc": "PR-AUC",
    "roc_auc": "ROC-AUC",
    "log_loss": "Log loss",
    "brier": "Brier",
    "accuracy": "Accuracy",
}


@dataclass(frozen=True)
class Contents:
    """What the page shows: the report's document, and per slug the metrics and learning curves that are there."""

    schema: Schema
    asked: Sequence[CoverType]
    document: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, Any]]
    curves: Mapping[str, Mapping[str, Any]]
    seed: int
    preset: str
    searches: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def hue(self, cover_type: CoverType) -> charts.Hue:
        """Return the hue of a cover type, which follows from its place in the schema alone."""
        return charts.Hue.of(self.schema.cover_types.index(cover_type))

    def name(self, cover_type: CoverType) -> str:
        """Return a cover type's title behind a patch of its colour."""
        title = escape(cover_type.title).replace("/", "/<wbr>")
        return f'<i class="key" style="background:var(--{self.hue(cover_type).role})"></i><span>{title}</span>'

    @property
    def judged(self) -> list[CoverType]:
        """The cover types that have metrics, in order."""
        return [cover_type for cover_type in self.asked if cover_type.slug in self.metrics]
