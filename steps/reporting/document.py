"""The content of ``report.json``: metrics of each model alone and of all models together, data and resource usage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steps.models import multiclass
from steps.models.intervals import Estimate
from steps.search import trial_table as trial_tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steps.reporting.inputs import ModelOutputs
    from steps.schema import CoverType, Schema

# Metrics of one model: key in ``metrics.json`` and title.
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
# Entries of the profile that the report repeats.
PROFILE_FACTS = (
    "source",
    "source_sha256",
    "shape",
    "labels",
    "rows_read",
    "dropped",
    "missing",
    "rows",
    "data_sha256",
    "datasets",
    "prevalence",
    "notes",
)


def build_document(
    schema: Schema,
    requested: Sequence[CoverType],
    outputs: ModelOutputs,
    profile: Mapping[str, Any],
    usages: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the content of ``report.json``.

    Args:
        schema: schema of the run's table.
        requested: cover types of the run, in the order of the report.
        outputs: outputs of the cover types' steps.
        profile: content of ``profile.json``.
        usages: resource usage of each step; only the entry ``steps`` depends on it.
    """
    missing = [cover_type.slug for cover_type in requested if cover_type.slug not in outputs.metrics]
    return {
        **_joint_metrics(schema, outputs, missing),
        "missing": missing,
        "cover_types": {
            cover_type.slug: {
                **_model_entry(cover_type, outputs.metrics[cover_type.slug]),
                "search": trial_tables.summary(outputs.searches.get(cover_type.slug, trial_tables.EMPTY)),
            }
            for cover_type in requested
            if cover_type.slug in outputs.metrics
        },
        "data": {
            **{fact: profile[fact] for fact in PROFILE_FACTS},
            "class_counts": profile["cover_types"],
            "source_class_counts": profile["source_cover_types"],
        },
        "steps": list(usages),
    }


def _joint_metrics(schema: Schema, outputs: ModelOutputs, missing: Sequence[str]) -> dict[str, Any]:
    """Return the metrics of all models together, each None if a model that it needs is missing."""
    accuracy, macro_f1, confusion = Estimate(None), Estimate(None), None
    if not missing:
        complete = set(outputs.scored) == set(schema.slugs)
        joined = multiclass.join(outputs.scored, complete=complete)
        macro_f1 = multiclass.macro_f1(joined, [metrics["threshold"] for metrics in outputs.metrics.values()])
        if complete:
            accuracy = multiclass.accuracy(joined)
            confusion = {"cover_types": list(joined.slugs), "counts": multiclass.confusion(joined).tolist()}
    return {
        "accuracy": accuracy.value,
        "accuracy_interval": _interval(accuracy.low, accuracy.high),
        "macro_f1": macro_f1.value,
        "macro_f1_interval": _interval(macro_f1.low, macro_f1.high),
        "confusion": confusion,
    }


def _model_entry(cover_type: CoverType, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of one model, from the content of its ``metrics.json``."""
    values = {}
    for name in METRICS:
        estimate = metrics["metrics"][name]
        values[name], values[f"{name}_interval"] = estimate["value"], _interval(estimate["low"], estimate["high"])
    return {
        "label": cover_type.label,
        "title": cover_type.title,
        "support": metrics["support"],
        "rows": metrics["rows"],
        **values,
        "threshold": metrics["threshold"],
        "confusion": metrics["confusion"],
    }


def _interval(low: float | None, high: float | None) -> list[float] | None:
    return None if low is None or high is None else [low, high]


def summary_line(document: Mapping[str, Any], requested: Sequence[CoverType]) -> str:
    """Return one line with the main metrics of a report, or with the cover types that are missing."""
    if missing := document["missing"]:
        return f"{len(missing)} of {len(requested)} cover types are missing: {', '.join(missing)}"
    if document["accuracy"] is None:
        return f"macro F1 {document['macro_f1']:.4f} over {', '.join(document['cover_types'])}"
    return f"accuracy {document['accuracy']:.4f}, macro F1 {document['macro_f1']:.4f}"


def worst_class_line(document: Mapping[str, Any]) -> str:
    """Return the cover type with the lowest F1 and that F1; empty text for a report without cover types."""
    f1 = {slug: entry["f1"] for slug, entry in document["cover_types"].items()}
    worst = min(f1, key=f1.__getitem__, default=None)
    return "" if worst is None else f"{worst}: F1 {f1[worst]:.4f}"
