"""The sections with precision-recall curves and learning curves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.reporting import charts
from steps.reporting.section_data.parts import Plot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steps.reporting.run_results import RunResults

# The vertical axis of learning curves starts at a multiple of 1/20, and not above 0.95.
_AXIS_STEPS, _HIGHEST_AXIS_START = 20, 0.95


@dataclass(frozen=True)
class LegendEntry:
    """A model in the legend of the precision-recall curves: its mark, the title of its cover type and its PR-AUC."""

    mark: str
    role: str
    title: str
    pr_auc: float | None


@dataclass(frozen=True)
class PrecisionRecall:
    """View data of ``precision_recall.html``."""

    legend: Sequence[LegendEntry]
    plots: Sequence[Plot]


def precision_recall(results: RunResults) -> PrecisionRecall | None:
    """Return the section on precision and recall, None if no model was evaluated.

    The second of two plots shows the upper right corner alone, if all chosen thresholds lie in it.
    """
    if not results.evaluated:
        return None
    legend, curves = [], []
    for cover_type in results.evaluated:
        entry, curve = results.document["cover_types"][cover_type.slug], results.metrics[cover_type.slug]["pr_curve"]
        hue, mark = results.hue(cover_type), str(results.schema.cover_types.index(cover_type) + 1)
        chosen = (entry["recall"] or 0.0, entry["precision"] or 0.0)
        curves.append(charts.PrCurve(hue, mark, curve["recall"], curve["precision"], chosen))
        legend.append(LegendEntry(mark, hue.role, cover_type.title, entry["pr_auc"]))
    corner = max(0.0, math.floor(min(min(curve.chosen) for curve in curves) * 10 - 0.5) / 10)
    label, plots = "Precision over recall of every model, ", []
    if corner:
        unmarked = [curve._replace(mark="") for curve in curves]
        plots.append(
            Plot(charts.precision_recall(unmarked, 0.0, "pr-all", f"{label}whole range"), "The whole range"),
        )
    caption = f"From {corner:g} to 1"
    plots.append(Plot(charts.precision_recall(curves, corner, "pr-corner", label + caption.lower()), caption))
    return PrecisionRecall(legend, plots)


def learning_curves(results: RunResults) -> list[Plot] | None:
    """Return the view data of ``learning_curves.html``, None if no model was trained."""
    shown = [cover_type for cover_type in results.requested if cover_type.slug in results.curves]
    if not shown:
        return None
    curves = [results.curves[each.slug][part]["pr_auc"] for each in shown for part in ("train", "validation")]
    # The first third of the rounds is far below the rest. An axis that shows it would hide the differences at the end.
    lowest = min(min(curve[len(curve) // 3 :]) for curve in curves)
    start = min(_HIGHEST_AXIS_START, math.floor(lowest * _AXIS_STEPS) / _AXIS_STEPS)
    plots = []
    for cover_type in shown:
        curve = results.curves[cover_type.slug]
        validation = curve["validation"]["pr_auc"]
        best = f"best {max(validation):.4f} after {curve['rounds'][validation.index(max(validation))]} rounds"
        label = f"{cover_type.title}: PR-AUC over rounds; on the validation rows {best}"
        svg = charts.learning_curve(curve, results.hue(cover_type), start, f"curve-{cover_type.slug}", label)
        plots.append(Plot(svg, results.name(cover_type), best))
    return plots
