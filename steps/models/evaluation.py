"""Evaluate a model on the test rows, which no earlier step has read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from steps import tables
from steps.bundles import to_array
from steps.core.errors import BadDataError
from steps.models import intervals, matrix
from steps.tables import hashing, slices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steps.models.bundle import Bundle


# The largest number of points of a precision-recall curve.
CURVE_POINTS = 200


SCORE_FIELDS = pa.schema(
    [pa.field(tables.ROW, pa.int64()), pa.field(tables.LABEL, pa.uint8()), pa.field(tables.SCORE, pa.float32())]
)
_GROUP_FIELD = pa.field(tables.GROUP, pa.uint64())


def score_rows(model: Bundle, features: Path, target: Path, *, threads: int) -> pa.Table:
    """Score the rows of a feature table, write them, and return the columns ``row label score`` as a table.

    The file also has a hash of the columns of the source, equal for equal rows, and the slices of the schema, which
    divide the rows into parts (``steps.tables.slices``).

    Args:
        model: The bundle of the model.
        features: The feature table.
        target: The parquet file to write.
        threads: The number of threads.

    Raises:
        BadDataError: The table does not have the features of the model.
    """
    metadata = tables.read_metadata(features)
    expected = model.metadata["features"]
    if list(metadata.features) != expected:
        what = "the features are not the ones the model was trained on"
        raise BadDataError(what, where=str(features), fix="make them with the model's own preprocessor")
    model.booster.set_param({"nthread": threads})
    parts = []
    fields = pa.schema([*SCORE_FIELDS, _GROUP_FIELD, *slices.slice_fields(metadata.schema)])
    names = [column.name for column in metadata.schema.columns]
    with tables.open_writer(target, fields, metadata) as writer:
        for batch in tables.read_batches(features):
            scores = model.booster.inplace_predict(to_array(batch, expected))
            columns = [batch.column(tables.ROW), batch.column(tables.LABEL), pa.array(scores, pa.float32())]
            parts.append(pa.RecordBatch.from_arrays(columns, schema=SCORE_FIELDS))
            columns.append(pa.array(hashing.hash_rows(map(batch.column, names), batch.num_rows, 0)))
            columns += slices.slice_columns(metadata.schema, model.transformer.seen_, batch)
            writer.write(pa.RecordBatch.from_arrays(columns, schema=fields))
    return pa.Table.from_batches(parts, SCORE_FIELDS)


def compute_metrics(model: Bundle, scored: pa.Table) -> dict[str, Any]:
    """Return the content of ``metrics.json``.

    It has metrics with intervals, the confusion counts, the precision-recall curve, and feature importances.

    Args:
        model: The bundle of the model.
        scored: The result of :func:`score_rows`.
    """
    labels, scores = scored.column(tables.LABEL).to_numpy(), scored.column(tables.SCORE).to_numpy()
    found, confusion = intervals.binary_metrics(labels, scores, model.threshold)
    return {
        "cover_type": model.metadata["cover_type"],
        "label": model.metadata["label"],
        "rows": len(labels),
        "support": int(labels.sum()),
        "threshold": model.threshold,
        "metrics": {name: estimate.to_dict() for name, estimate in found.items()},
        "confusion": {"tp": confusion.tp, "fp": confusion.fp, "fn": confusion.fn, "tn": confusion.tn},
        "pr_curve": pr_curve(labels, scores),
        "importances": importances(model),
    }


def pr_curve(labels: NDArray[np.uint8], scores: NDArray[np.float32]) -> dict[str, list[float]]:
    """Return at most ``CURVE_POINTS`` points of the precision-recall curve, at evenly spaced recalls.

    Rows with equal scores are one point, because no threshold separates them.

    Args:
        labels: 0 or 1, uint8, shape (rows,).
        scores: Probabilities, float32, shape (rows,).

    Returns:
        ``recall`` and ``precision`` of each point.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(scores[order][:-1] != scores[order][1:], True))
    hits = np.cumsum(labels[order], dtype=np.int64)[ends]
    count = int(hits[-1])
    chosen = np.unique(np.searchsorted(hits, np.unique(np.linspace(1, count, CURVE_POINTS).astype(int))))
    return {
        "recall": [round(float(value), 5) for value in hits[chosen] / count],
        "precision": [round(float(value), 5) for value in hits[chosen] / (ends[chosen] + 1)],
    }


def importances(model: Bundle) -> dict[str, float]:
    """Return the share of each feature in the total gain of all splits, largest first, without unused features."""
    features = model.metadata["features"]
    own_names = dict(zip(matrix.booster_names(features), features, strict=True))
    gains = {own_names[name]: gain for name, gain in model.booster.get_score(importance_type="total_gain").items()}
    total = sum(gains.values()) or 1.0
    return {name: round(gain / total, 6) for name, gain in sorted(gains.items(), key=lambda item: (-item[1], item[0]))}
