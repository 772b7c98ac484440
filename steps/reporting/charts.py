"""Plots of the models and of the run's timeline, as inline SVG elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from steps.reporting.palette import placeholder
from steps.reporting.svg import inline_svg, new_axes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steps.reporting.palette import Hue

_F1_LEVELS = (0.2, 0.4, 0.6, 0.8, 0.9, 0.95)
# A curve with fewer points gets a marker on each.
_FEW_POINTS = 12


class PrCurve(NamedTuple):
    """A precision-recall curve and the point at the chosen threshold.

    Attributes:
        hue: hue of the cover type.
        mark: text on the point, which may be empty.
        recall: recall at each point of the curve.
        precision: precision at each point of the curve.
        chosen: recall and precision at the chosen threshold.
    """

    hue: Hue
    mark: str
    recall: Sequence[float]
    precision: Sequence[float]
    chosen: tuple[float, float]


class Bar(NamedTuple):
    """A step in the timeline.

    Attributes:
        start: seconds from the start of the timeline to the start of the step.
        seconds: wall time of the step.
        role: colour role of the step.
    """

    start: float
    seconds: float
    role: str


def learning_curve(curve: Mapping[str, Any], hue: Hue, lowest: float, id_prefix: str, label: str) -> str:
    """Draw PR-AUC over boosting rounds: training rows dashed in grey, validation rows in colour.

    Args:
        curve: content of ``learning-curve.json``.
        hue: hue of the cover type.
        lowest: lower end of the vertical axis.
        id_prefix: start of every id in the element, unique on the page.
        label: description of the plot for screen readers.
    """
    figure, axes = new_axes(268, 184, left=38, bottom=46)
    rounds = curve["rounds"]
    style = {"marker": "o" if len(rounds) < _FEW_POINTS else None, "markersize": 3.5}
    grey = {"color": placeholder("muted"), "linestyle": (0, (3, 2)), "linewidth": 1.4}
    axes.plot(rounds, curve["train"]["pr_auc"], **grey, **style)
    axes.plot(rounds, curve["validation"]["pr_auc"], color=placeholder(hue.role), linewidth=2.2, **style)
    axes.set_xlabel("rounds")
    axes.set_xlim(0, rounds[-1] * 1.03)
    axes.set_ylim(lowest, 1 + (1 - lowest) * 0.03)
    axes.xaxis.get_major_locator().set_params(nbins=5, integer=True)
    axes.yaxis.get_major_locator().set_params(nbins=5)
    return inline_svg(figure, id_prefix, label)


def precision_recall(curves: Sequence[PrCurve], lowest: float, id_prefix: str, label: str) -> str:
    """Draw precision over recall, with the points at the chosen thresholds and lines of equal F1.

    Args:
        curves: one curve for each model.
        lowest: lower end of both axes.
        id_prefix: start of every id in the element, unique on the page.
        label: description of the plot for screen readers.
    """
    figure, axes = new_axes(500, 470, left=62, bottom=50, right=44)
    for level in _F1_LEVELS:
        _equal_f1(axes, level, lowest)
    for curve in curves:
        # Average precision gives each step of recall the precision at its end.
        line = {"color": placeholder(curve.hue.role), "linestyle": curve.hue.dash, "linewidth": 1.8}
        axes.plot(curve.recall, curve.precision, drawstyle="steps-pre", **line)
    paper = placeholder("paper")
    for curve in curves:
        disc = {"marker": "o", "markeredgecolor": paper, "markeredgewidth": 1.5, "clip_on": False, "zorder": 3}
        axes.plot(*curve.chosen, color=placeholder(curve.hue.role), markersize=16 if curve.mark else 8, **disc)
        text = {"ha": "center", "va": "center_baseline", "fontsize": 10, "weight": "bold", "zorder": 4}
        axes.text(*curve.chosen, curve.mark, color=paper, **text)
    axes.set(xlabel="recall", ylabel="precision", xlim=(lowest, 1), ylim=(lowest, 1 + (1 - lowest) * 0.01))
    axes.grid(visible=False)
    return inline_svg(figure, id_prefix, label)


def _equal_f1(axes: Any, level: float, lowest: float) -> None:  # noqa: ANN401 - matplotlib has no types
    """Draw the line of all points with this F1 and label its end; draw nothing if it lies outside the axes."""
    import numpy as np

    if level <= lowest:
        return
    end = max(lowest, level / (2 - level))
    precision = np.linspace(1, end, 80)
    recall = level * precision / (2 * precision - level)
    axes.plot(recall, precision, color=placeholder("muted"), linewidth=0.6, linestyle=(0, (2, 3)))
    offset, style = (4, 6 if end == lowest else 0), {"fontsize": 10, "color": placeholder("muted")}
    axes.annotate(f"F1 {level:g}", (recall[-1], end), offset, textcoords="offset points", va="center", **style)


def timeline(rows: Sequence[tuple[str, Sequence[Bar]]], id_prefix: str, label: str) -> str:
    """Draw when each step ran.

    Args:
        rows: name and bars of each row, from top to bottom.
        id_prefix: start of every id in the element, unique on the page.
        label: description of the plot for screen readers.
    """
    figure, axes = new_axes(1132, 30 * len(rows) + 56, left=150, bottom=48)
    for position, (_, bars) in enumerate(rows):
        spans = [(bar.start, bar.seconds) for bar in bars]
        colours = [placeholder(bar.role) for bar in bars]
        axes.broken_barh(spans, (position - 0.32, 0.64), facecolors=colours, edgecolors=colours, linewidth=1)
    axes.set_yticks(range(len(rows)), [row for row, _ in rows], color=placeholder("ink"))
    axes.set_ylim(len(rows) - 0.4, -0.6)
    end = max(bar.start + bar.seconds for _, bars in rows for bar in bars)
    axes.set_xlim(0, max(end, 0.01) * 1.01)
    axes.set_xlabel("seconds since the start of the first step")
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    return inline_svg(figure, id_prefix, label)
