"""Plots of a hyperparameter search, as inline SVG elements, from its trial table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from steps.reporting.palette import placeholder
from steps.reporting.svg import inline_svg, new_axes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steps.reporting.palette import Hue

# Share of the complete trials that the parallel coordinates show in colour.
_BEST_SHARE = 0.1
# Share of the complete trials, the nearest to the best, that must fit on the axis of the history.
_SHOWN_SHARE = 0.75
_MINIMISED = "logloss"


def complete_trials(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the trials that were not pruned, best first."""
    trials = [trial for trial in table["trials"] if trial["state"] == "complete"]
    sign = 1 if table["objective"] == _MINIMISED else -1
    return sorted(trials, key=lambda trial: sign * trial["value"])


def history(table: Mapping[str, Any], hue: Hue, id_prefix: str, label: str) -> str:
    """Draw the objective over the trials: complete trials as dots, pruned ones as crosses, the best so far as a line.

    Args:
        table: trial table of the search.
        hue: hue of the cover type.
        id_prefix: start of every id in the element, unique on the page.
        label: description of the plot for screen readers.
    """
    figure, axes = new_axes(268, 184, left=50, bottom=46)
    choose = min if table["objective"] == _MINIMISED else max
    complete = sorted(complete_trials(table), key=lambda trial: int(trial["number"]))
    pruned = [trial for trial in table["trials"] if trial["state"] != "complete"]
    for trials, colour, marker in ((pruned, "muted", "x"), (complete, hue.role, "o")):
        style = {"linestyle": "", "markersize": 4, "marker": marker, "color": placeholder(colour)}
        axes.plot([trial["number"] for trial in trials], [trial["value"] for trial in trials], **style)
    values = [trial["value"] for trial in complete]
    best = [choose(values[: i + 1]) for i in range(len(values))]
    axes.step([trial["number"] for trial in complete], best, where="post", color=placeholder(hue.role), linewidth=1.6)
    # The worst quarter is far from the rest. An axis that shows it would hide the differences between the others.
    distances = sorted(abs(value - best[-1]) for value in values)
    if spread := distances[math.ceil(len(distances) * _SHOWN_SHARE) - 1]:
        worse = -spread if choose is max else spread
        axes.set_ylim(*sorted((best[-1] + 1.3 * worse, best[-1] - 0.15 * worse)))
    axes.set_xlabel("trial")
    axes.xaxis.get_major_locator().set_params(nbins=5, integer=True)
    axes.yaxis.get_major_locator().set_params(nbins=5)
    return inline_svg(figure, id_prefix, label)


def parallel_coordinates(table: Mapping[str, Any], hue: Hue, id_prefix: str, label: str) -> str:
    """Draw every complete trial as a line through its hyperparameters, the best ones in colour.

    Args:
        table: trial table of the search.
        hue: hue of the cover type.
        id_prefix: start of every id in the element, unique on the page.
        label: description of the plot for screen readers.
    """
    trials = complete_trials(table)
    best = max(1, math.ceil(len(trials) * _BEST_SHARE))
    figure, axes = new_axes(1132, 300, left=40, bottom=92, right=40)
    dimensions = table["space"]
    for position, trial in reversed(list(enumerate(trials))):
        heights = [_height(dimension, trial["values"].get(dimension["name"])) for dimension in dimensions]
        style = (
            {"color": placeholder(hue.role), "linewidth": 1.8}
            if position < best
            else {"color": placeholder("muted"), "linewidth": 0.5}
        )
        axes.plot(range(len(dimensions)), heights, marker="o", markersize=2.5, **style)
    _draw_axis_ends(axes, dimensions)
    names = [dimension["name"].replace("_", " ") for dimension in dimensions]
    axes.set_xticks(range(len(names)), names, rotation=28, ha="right", rotation_mode="anchor", color=placeholder("ink"))
    axes.tick_params(axis="x", pad=18)
    axes.set(ylim=(-0.15, 1.15), yticks=[])
    axes.grid(visible=False, axis="y")
    axes.spines[["left", "bottom"]].set_visible(False)
    return inline_svg(figure, id_prefix, label)


def _draw_axis_ends(axes: Any, dimensions: Sequence[Mapping[str, Any]]) -> None:  # noqa: ANN401 - matplotlib has no types
    """Write the lowest value below and the highest value above each vertical axis."""
    for position, dimension in enumerate(dimensions):
        low, high = _axis_ends(dimension)
        for height, text, side in ((-0.05, low, "top"), (1.05, high, "bottom")):
            axes.text(position, height, text, ha="center", va=side, fontsize=10, color=placeholder("muted"))


def _height(dimension: Mapping[str, Any], value: Any) -> float:  # noqa: ANN401 - as the hyperparameter
    """Return the position of a value in its range, from 0 to 1; NaN, a gap in the line, if it was not searched."""
    if value is None:
        return math.nan
    if "choices" in dimension:
        return float(dimension["choices"].index(value) / max(1, len(dimension["choices"]) - 1))
    scale = math.log if dimension["log"] else float
    low, high = scale(dimension["low"]), scale(dimension["high"])
    return (scale(value) - low) / (high - low) if high > low else 0.5


def _axis_ends(dimension: Mapping[str, Any]) -> tuple[str, str]:
    """Return the texts at the lower and the upper end of a dimension's axis."""
    if "choices" in dimension:
        return str(dimension["choices"][0]), str(dimension["choices"][-1])
    return f"{dimension['low']:g}", f"{dimension['high']:g}"
