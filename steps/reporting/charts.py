"""The report's plots as SVG elements for one HTML page, drawn by matplotlib and coloured by the page's style sheet.

A plot names colours by role; each role is drawn in a stand-in colour that becomes a CSS variable, so that one file is
right in light and in dark mode. Text stays text in the page's font. Equal data gives equal bytes.
"""

from __future__ import annotations

import html
import io
import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HUES = ("hue0", "hue1", "hue2", "hue3", "hue4", "hue5", "hue6")
STAGES = ("stage0", "stage1", "stage2", "stage3", "stage4", "stage5")
ROLES = ("ink", "muted", "line", "paper", *HUES, *STAGES)
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)))
_F1_LEVELS = (0.2, 0.4, 0.6, 0.8, 0.9, 0.95)
_FEW_POINTS = 12


# Hues: Okabe and Ito 2008, made for all kinds of colour vision, with the ink in place of the yellow. Stages: a ramp of
# one order from dark to light (viridis), turned round in dark mode.
PALETTE = """
:root{color-scheme:light dark;--paper:#fff;--panel:#f4f6f8;--ink:#171b20;--muted:#5c6670;--line:#dde2e7;
--alarm:#b3261e;--alarm-panel:#fcebe9;--heat:8 78 145;--on-heat:#fff;
--hue0:#0072b2;--hue1:#d98200;--hue2:#009e73;--hue3:#d55e00;--hue4:#56b4e9;--hue5:#b5508c;--hue6:#171b20;
--stage0:#8a94a0;--stage1:#440154;--stage2:#3b528b;--stage3:#21918c;--stage4:#5ec962;--stage5:#d8c40f}
@media screen and (prefers-color-scheme:dark){:root{
--paper:#12161a;--panel:#1b2127;--ink:#e7ebef;--muted:#9aa6b2;--line:#303841;
--alarm:#ff8a80;--alarm-panel:#3a1a1a;--heat:102 187 236;--on-heat:#08141d;
--hue0:#3d9bdc;--hue1:#e69f00;--hue2:#18b888;--hue3:#f07a2b;--hue4:#8fd0f7;--hue5:#dd8fbb;--hue6:#e7ebef;
--stage0:#77828e;--stage1:#b79cf0;--stage2:#6f8fd6;--stage3:#2aa7a0;--stage4:#5ec962;--stage5:#e9dc3f}}
@media print{:root{color-scheme:light}}
"""


class Hue(NamedTuple):
    """How a cover type is drawn in every plot: a colour role, and a dash pattern where the colours start again."""

    role: str
    dash: Any

    @staticmethod
    def of(position: int) -> Hue:
        """Return the hue of the cover type at this position in the schema."""
        return Hue(HUES[position % len(HUES)], _DASHES[position // len(HUES) % len(_DASHES)])


class PrCurve(NamedTuple):
    """A precision-recall curve, and the point on it where the chosen threshold is, marked with a short text or none."""

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
        "font.size": 12,
        "text.color": ink,
        "axes.edgecolor": line,
        "axes.labelcolor": muted,
        "axes.labelsize": 12,
        "axes.labelpad": 6,
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
        "xtick.major.pad": 8,
        "ytick.major.pad": 5,
        "lines.solid_capstyle": "round",
    }
    with mpl.rc_context(settings), warnings.catch_warnings():
        # The browser's font shows the text; matplotlib only measures it with its own, which lacks most scripts.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def axes_of(width: float, height: float, *, left: float, bottom: float, right: float = 12) -> tuple[Any, Any]:
    """Return a figure and its one set of axes; sizes, and the distances from the figure's edges, are in CSS pixels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 72, height / 72), dpi=72)
    inside = (left / width, bottom / height, (width - left - right) / width, (height - 8 - bottom) / height)
    return figure, figure.add_axes(inside)


def svg(figure: Any, name: str, label: str) -> str:  # noqa: ANN401 - matplotlib has no types
    """Return a figure as an inline ``<svg>``: its ids start with ``name``, a screen reader says ``label``."""
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    body = out.getvalue().partition("<svg")[2].partition(">")[2]
    body = re.sub(r"\s*<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    used = set(re.findall(r"#([mp][0-9a-f]{10})\b", body))
    # Tags alone: what looks like an id or a colour in a title is the title's.
    body = re.sub(r"<[^>]*>", lambda match: _finished(match[0], name, used), re.sub(r"(?<=>)\s+(?=<)", "", body))
    width, height = (round(float(size) * 72) for size in figure.get_size_inches())
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg {size} role="img" aria-label="{html.escape(label)}">{body}'


def _finished(tag: str, name: str, used: set[str]) -> str:
    """Return an SVG tag with the ids that are used made unique, the page's font, and colours by role."""
    tag = re.sub(r' id="([^"]*)"', lambda match: f' id="{name}-{match[1]}"' if match[1] in used else "", tag)
    tag = re.sub(r"#([mp][0-9a-f]{10})\b", rf"#{name}-\1", tag).replace("xlink:href", "href")
    tag = re.sub(r"font-family: [^;\"]*;? ?| transform=\"rotate\(-0 [^\"]*\"", "", tag)
    return re.sub(r"#0000([0-9a-f]{2})\b", lambda match: f"var(--{ROLES[int(match[1], 16) - 1]})", tag)


def learning_curve(curve: Mapping[str, Any], hue: Hue, lowest: float, name: str, label: str) -> str:
    """Draw the PR-AUC of train (dashed, grey) and validation rows over the rounds.

    Args:
        curve: as in ``learning-curve.json``.
        hue: of the cover type.
        lowest: where the vertical axis starts, the same for all cover types.
        name: prefix of the element's ids.
        label: what the plot shows, for those who cannot see it.
    """
    figure, axes = axes_of(268, 184, left=38, bottom=46)
    rounds, marker = curve["rounds"], "o" if len(curve["rounds"]) < _FEW_POINTS else None
    style = {"marker": marker, "markersize": 3.5}
    axes.plot(rounds, curve["train"]["pr_auc"], color=stand_in("muted"), linestyle=(0, (3, 2)), linewidth=1.4, **style)
    axes.plot(rounds, curve["validation"]["pr_auc"], color=stand_in(hue.role), linewidth=2.2, **style)
    axes.set_xlabel("rounds")
    axes.set_xlim(0, rounds[-1] * 1.03)
    axes.set_ylim(lowest, 1 + (1 - lowest) * 0.03)
    axes.xaxis.get_major_locator().set_params(nbins=5, integer=True)
    axes.yaxis.get_major_locator().set_params(nbins=5)
    return svg(figure, name, label)


def precision_recall(curves: Sequence[PrCurve], lowest: float, name: str, label: str) -> str:
    """Draw precision over recall from ``lowest`` to 1 on both axes, with lines of equal F1 and the chosen points.

    A point's mark is written on it where its curve has one.
    """
    figure, axes = axes_of(500, 470, left=50, bottom=50, right=44)
    for level in _F1_LEVELS:
        _equal_f1(axes, level, lowest)
    for curve in curves:
        axes.plot(
            curve.recall, curve.precision, color=stand_in(curve.hue.role), linestyle=curve.hue.dash, linewidth=1.8
        )
    paper = stand_in("paper")
    for curve in curves:
        disc = {"marker": "o", "markeredgecolor": paper, "markeredgewidth": 1.5, "clip_on": False, "zorder": 3}
        axes.plot(*curve.chosen, color=stand_in(curve.hue.role), markersize=16 if curve.mark else 8, **disc)
        text = {"ha": "center", "va": "center_baseline", "fontsize": 10, "weight": "bold", "zorder": 4}
        axes.text(*curve.chosen, curve.mark, color=paper, **text)
    axes.set(xlabel="recall", ylabel="precision", xlim=(lowest, 1), ylim=(lowest, 1 + (1 - lowest) * 0.01))
    axes.grid(visible=False)
    return svg(figure, name, label)


def _equal_f1(axes: Any, level: float, lowest: float) -> None:  # noqa: ANN401 - matplotlib has no types
    """Draw the points with this F1, labelled where they leave the axes; nothing where none is inside."""
    import numpy as np

    if level <= lowest:
        return
    end = max(lowest, level / (2 - level))
    precision = np.linspace(1, end, 80)
    recall = level * precision / (2 * precision - level)
    axes.plot(recall, precision, color=stand_in("muted"), linewidth=0.6, linestyle=(0, (2, 3)))
    offset, style = (4, 6 if end == lowest else 0), {"fontsize": 10, "color": stand_in("muted")}
    axes.annotate(f"F1 {level:g}", (recall[-1], end), offset, textcoords="offset points", va="center", **style)


def timeline(rows: Sequence[tuple[str, Sequence[Bar]]], name: str, label: str) -> str:
    """Draw one row of bars for each name, the first on top, over seconds from 0."""
    figure, axes = axes_of(1132, 30 * len(rows) + 56, left=150, bottom=48)
    for place, (_, bars) in enumerate(rows):
        spans = [(bar.start, bar.seconds) for bar in bars]
        colours = [stand_in(bar.role) for bar in bars]
        axes.broken_barh(spans, (place - 0.32, 0.64), facecolors=colours, edgecolors=colours, linewidth=1)
    axes.set_yticks(range(len(rows)), [row for row, _ in rows], color=stand_in("ink"))
    axes.set_ylim(len(rows) - 0.4, -0.6)
    end = max(bar.start + bar.seconds for _, bars in rows for bar in bars)
    axes.set_xlim(0, max(end, 0.01) * 1.01)
    axes.set_xlabel("seconds since the first step started")
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    return svg(figure, name, label)
