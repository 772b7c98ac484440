"""The sections with the metrics of each model and the confusion matrix of all models."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.reporting.document import METRICS
from steps.reporting.formats import row_percent, thousands
from steps.reporting.section_data.parts import HeatCell, HeatMap, HeatRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steps.reporting.run_results import CoverTypeName, RunResults
    from steps.schema import CoverType


@dataclass(frozen=True)
class MetricCell:
    """A metric of one model with its 95% interval; None if it is not defined."""

    value: float | None
    interval: Sequence[float] | None


@dataclass(frozen=True)
class ModelMetrics:
    """The metrics of one evaluated model.

    Attributes:
        support: number of test rows of the cover type.
        share: their share of all test rows.
        cells: one cell for each metric.
        threshold: lowest score of a row that is predicted positive.
    """

    support: int
    share: float
    cells: Sequence[MetricCell]
    threshold: float


@dataclass(frozen=True)
class ModelRow:
    """A cover type and the metrics of its model, None if a step failed."""

    name: CoverTypeName
    metrics: ModelMetrics | None


@dataclass(frozen=True)
class MetricsTable:
    """View data of ``metrics.html``: titles of the metrics, and a row for each requested cover type."""

    titles: Sequence[str]
    rows: Sequence[ModelRow]


def metrics_table(results: RunResults) -> MetricsTable:
    """Return the section on the metrics of each model."""
    rows = [ModelRow(results.name(each), _model_metrics(results, each)) for each in results.requested]
    return MetricsTable(list(METRICS.values()), rows)


def _model_metrics(results: RunResults, cover_type: CoverType) -> ModelMetrics | None:
    entry = results.document["cover_types"].get(cover_type.slug)
    if entry is None:
        return None
    return ModelMetrics(
        support=entry["support"],
        share=entry["support"] / entry["rows"],
        cells=[MetricCell(entry[key], entry[f"{key}_interval"]) for key in METRICS],
        threshold=entry["threshold"],
    )


def confusion_matrix(results: RunResults) -> HeatMap | None:
    """Return the view data of ``confusion.html``, None unless every cover type of the schema has a model.

    The shade of a cell is the square root of its share of the row: small confusions stay visible.
    """
    matrix = results.document["confusion"]
    if matrix is None:
        return None
    names = [results.name(cover_type) for cover_type in results.requested]
    rows = []
    for name, counts in zip(names, matrix["counts"], strict=True):
        total = sum(counts)
        cells = [
            HeatCell(thousands(count), row_percent(count, total), math.sqrt(count / max(total, 1))) for count in counts
        ]
        rows.append(HeatRow(name, cells))
    return HeatMap(names, rows)
