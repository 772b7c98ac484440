"""The report's plots as SVG elements for one HTML page, drawn by matplotlib and coloured by the page's style sheet.

A plot names colours by role; each role is drawn in a stand-in colour that becomes a CSS variable, so that one file is
right in light and in dark mode. Text stays text in the page's font. Equal data gives equal bytes.
"""

from __future__ import annotations

import html
import io
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HUES = ("hue0", "hue1", "hue2", "hue3", "hue4", "hue5", "hue6")
STAGES = ("stage0", "stage1", "stage2", "stage3", "stage4", "stage5")
ROLES = ("ink", "muted", "line", "paper", *HUES, *STAGES)
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)))
_F1_LEVELS = (0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95)
_FEW_POINTS = 12


class Hue(NamedTuple):
    """How a cover type is drawn in every plot: a colour role, and a dash pattern where the colours start again."""

    role: str
    dash: Any

    @staticmethod
    def of(position: int) -> Hue:
        """Return the hue of the cover type at this position in the schema."""
        return Hue(HUES[position % len(HUES)], _DASHES[position // len(HUES) % len(_DASHES)])


class PrCurve(NamedTuple):
    """A precision-recall curve, and the point on it where the chosen threshold is, marked with a short name."""

    hue: Hue
    mark: str
    recall: Sequence[float]
    precision: Sequence[float]
    chosen: tuple[float, float]


class Bar(NamedTuple):
    """A step in the timeline: when it started and how long it took, in seconds, and its colour role."""

    start: float
    seconds: float
    role: str


def stand_in(role: str) -> str:
    """Return the colour a role has until the SVG is finished: near black, which no plot uses otherwise."""
    return f"#0000{ROLES.index(role) + 1:02x}"


@contextmanager
def drawing() -> Iterator[None]:
    """Set matplotlib's defaults for the plots of this module, for as long as the block lasts."""
    import matplotlib as mpl

    ink, muted, line = stand_in("ink"), stand_in("muted"), stand_in("line")
    settings = {
        "svg.fonttype": "none",
        "svg.hashsalt": "report",
        "text.parse_math": False,
        "font.size": 11,
        "text.color": ink,
        "axes.edgecolor": line,
        "axes.labelcolor": muted,
        "axes.labelsize": 11,
        "axes.linewidth": 1,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "grid.color": line,
        "grid.linewidth": 0.7,
        "xtick.color": line,
        "ytick.color": line,
        "xtick.labelcolor": muted,
        "ytick.labelcolor": muted,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "xtick.major.pad": 5,
        "ytick.major.pad": 5,
        "lines.solid_capstyle": "round",
    }
    with mpl.rc_context(settings):
        yield


def _axes(width: float, height: float, *, left: float, bottom: float, top: float = 8, right: float = 12) -> tuple[Any, Any]:
    """Return a figure of this size in CSS pixels and its one set of axes, ``left`` to ``right`` pixels from its edges."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 72, height / 72), dpi=72)
    inside = (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    return figure, figure.add_axes(inside)


def _svg(figure: Any, name: str, label: str) -> str:  # noqa: ANN401 - matplotlib has no types
    """Return a figure as an inline ``<svg>``: ``name`` keeps its ids its own, ``label`` is what a screen reader says."""
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    body = out.getvalue().partition("<svg")[2].partition(">")[2]
    body = re.sub(r"\s*<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    used = set(re.findall(r"#([mp][0-9a-f]{10})\b", body))
    body = re.sub(r' id="([^"]*)"', lambda match: f' id="{name}-{match[1]}"' if match[1] in used else "", body)
    body = re.sub(r"#([mp][0-9a-f]{10})\b", rf"#{name}-\1", body).replace("xlink:href", "href")
    body = re.sub(r"font-family: [^;\"]*;? ?| transform=\"rotate\(-0 [^\"]*\"|(?<=>)\s+(?=<)", "", body)
    body = re.sub(r"#0000([0-9a-f]{2})\b", lambda match: f"var(--{ROLES[int(match[1], 16) - 1]})", body)
    width, height = (round(float(size) * 72) for size in figure.get_size_inches())
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg {size} role="img" aria-label="{html.escape(label)}">{body}'


def learning_curve(curve: Mapping[str, Any], hue: Hue, lowest: float, name: str, label: str) -> str:
    """Draw the PR-AUC of train (dashed, grey) and validation rows over the rounds.

    Args:
        curve: as in ``learning-curve.json``.
        hue: of the cover type.
        lowest: where the vertical axis starts, the same for all cover types.
        name: prefix of the element's ids.
        label: what the plot shows, for those who cannot see it.
    """
    figure, axes = _axes(260, 170, left=36, bottom=38)
    rounds, marker = curve["rounds"], "o" if len(curve["rounds"]) < _FEW_POINTS else None
    style = {"marker": marker, "markersize": 3.5}
    axes.plot(rounds, curve["train"]["aucpr"], color=stand_in("muted"), linestyle=(0, (3, 2)), linewidth=1.4, **style)
    axes.plot(rounds, curve["validation"]["aucpr"], color=stand_in(hue.role), linewidth=2.2, **style)
    axes.set_xlabel("rounds")
    axes.set_xlim(0, rounds[-1] * 1.03)
    axes.set_ylim(lowest, 1 + (1 - lowest) * 0.03)
    axes.xaxis.get_major_locator().set_params(nbins=5, integer=True)
    axes.yaxis.get_major_locator().set_params(nbins=5)
    return _svg(figure, name, label)


def precision_recall(curves: Sequence[PrCurve], lowest: float, name: str, label: str) -> str:
    """Draw precision over recall from ``lowest`` to 1 on both axes, with lines of equal F1 and the chosen points."""
    import numpy as np

    figure, axes = _axes(500, 470, left=46, bottom=44, right=40)
    grid = np.linspace(max(lowest, 0.01), 1, 200)
    for level in (level for level in _F1_LEVELS if level / (2 - level) >= lowest):
        inside = grid[grid > level / 2]
        precision = level * inside / (2 * inside - level)
        shown = precision <= 1
        axes.plot(inside[shown], precision[shown], color=stand_in("line"), linewidth=1, linestyle=(0, (2, 2)))
        axes.annotate(f"F1 {level:g}", (1, level / (2 - level)), (4, 0), textcoords="offset points", va="center", fontsize=9, color=stand_in("muted"))
    for curve in curves:
        axes.plot(curve.recall, curve.precision, color=stand_in(curve.hue.role), linestyle=curve.hue.dash, linewidth=1.8)
    for curve in curves:
        place = {"marker": "o", "markersize": 15, "markeredgecolor": stand_in("paper"), "markeredgewidth": 1.5, "clip_on": False}
        axes.plot(*curve.chosen, color=stand_in(curve.hue.role), zorder=3, **place)
        axes.text(*curve.chosen, curve.mark, ha="center", va="center_baseline", fontsize=10, weight="bold", color=stand_in("paper"), zorder=4)
    axes.set(xlabel="recall", ylabel="precision", xlim=(lowest, 1), ylim=(lowest, 1 + (1 - lowest) * 0.01))
    axes.grid(visible=False)
    return _svg(figure, name, label)


def timeline(rows: Sequence[tuple[str, Sequence[Bar]]], name: str, label: str) -> str:
    """Draw one row of bars for each name, the first on top, over seconds from 0."""
    figure, axes = _axes(1060, 30 * len(rows) + 52, left=150, bottom=44)
    for place, (_, bars) in enumerate(rows):
        spans = [(bar.start, bar.seconds) for bar in bars]
        colours = [stand_in(bar.role) for bar in bars]
        axes.broken_barh(spans, (place - 0.32, 0.64), facecolors=colours, edgecolor=stand_in("paper"), linewidth=0.6)
    axes.set_yticks(range(len(rows)), [row for row, _ in rows], color=stand_in("ink"))
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, max((bar.start + bar.seconds for _, bars in rows for bar in bars), default=1) * 1.01)
    axes.set_xlabel("seconds since the first step started")
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    return _svg(figure, name, label)
