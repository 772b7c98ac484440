"""Columns, cover types and limits, as the page needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from steps.drift.reference import Numeric
from steps.serving.versions import ordinary_value

if TYPE_CHECKING:
    from steps.drift.reference import Categorical, Reference
    from steps.options.serve import ServeOptions
    from steps.schema import Column
    from steps.serving.versions import ServedModel

_DIGITS = 4
# The quantiles of the training rows between which a value is usual.
_LOW, _MIDDLE, _HIGH = 0.05, 0.5, 0.95


def describe(model: ServedModel, options: ServeOptions) -> dict[str, Any]:
    """Return what a client must know to ask for a row and to show the answer, as plain JSON values.

    Args:
        model: The models.
        options: The limits.
    """
    ensemble, documents = model.ensemble, model.documents
    cover_types = [
        {"label": each.label, "slug": each.slug, "title": each.title, "threshold": threshold}
        for each, threshold in zip(ensemble.cover_types, ensemble.thresholds, strict=True)
    ]
    return {
        "name": model.name,
        "version": model.version,
        "cover_types": cover_types,
        "columns": [_describe_column(column, documents.reference) for column in model.schema.columns],
        "explains": model.explainer is not None,
        "documents": {"report": documents.report is not None, "model_card": documents.card is not None},
        "limits": {"rows": options.max_rows, "bytes": options.max_body},
    }


def _describe_column(column: Column, reference: Reference | None) -> dict[str, Any]:
    counted = reference.columns[column.name] if reference else None
    if counted is not None and not counted.counts.sum():
        counted = None  # every value is missing
    facts: dict[str, Any] = {"name": column.name, "dtype": column.dtype}
    if column.categorical:
        return facts | {"values": list(column.values), "default": _common_value(column, counted)}
    facts |= {"unit": column.unit, "minimum": column.minimum, "maximum": column.maximum}
    if not isinstance(counted, Numeric):
        return facts | {"default": ordinary_value(column), "usual": None}
    low, middle, high = (_quantile(column, counted, share) for share in (_LOW, _MIDDLE, _HIGH))
    return facts | {"default": middle, "usual": [low, high]}


def _common_value(column: Column, counted: Numeric | Categorical | None) -> str:
    """Return the most frequent category of the training rows, or the first one."""
    return column.values[0 if counted is None else int(np.argmax(counted.counts))]


def _quantile(column: Column, counted: Numeric, share: float) -> float:
    """Return the largest value of the bin with a quantile, in few digits, within the range of the column."""
    up_to = np.cumsum(counted.counts)
    value = float(counted.upper[np.searchsorted(up_to, share * up_to[-1])])
    if not column.dtype.startswith("float"):
        return int(value)
    rounded = float(f"{value:.{_DIGITS}g}")
    low = rounded if column.minimum is None else max(rounded, column.minimum)
    return low if column.maximum is None else min(low, column.maximum)
