"""The plots of a hyperparameter search, from its trial table, in the manner of ``charts``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from steps.reporting.charts import Hue, axes_of, stand_in, svg

if TYPE_CHECKING:
    from collections.abc import Mapping

# Of the complete trials, the share that is drawn in colour in the parallel coordinates.
_BEST_SHARE = 0.1
# And the share that the history's axis must hold.
_SHOWN_SHARE = 0.75
_LESS_IS_BETTER = "logloss"


def complete(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the trials that were not pruned, the best first."""
    trials = [trial for trial in table["trials"] if trial["state"] == "complete"]
    sign = 1 if table["objective"] == _LESS_IS_BETTER else -1
    return sorted(trials, key=lambda trial: sign * trial["value"])


def history(table: Mapping[str, Any], hue: Hue, name: str, label: str) -> str:
    """Draw the objective over the trials: complete ones as dots, pruned ones as grey crosses, the best so far."""
    figure, axes = axes_of(268, 184, left=50, bottom=46)
    choose = min if table["objective"] == _LESS_IS_BETTER else max
    done = sorted(complete(table), key=lambda trial: int(trial["number"]))
    pruned = [trial for trial in table["trials"] if trial["state"] != "complete"]
    for trials, colour, marker in ((pruned, "muted", "x"), (done, hue.role, "o")):
        style = {"linestyle": "", "markersize": 4, "marker": marker, "color": stand_in(colour)}
        axes.plot([trial["number"] for trial in trials], [trial["value"] for trial in trials], **style)
    values = [trial["value"] for trial in done]
    best = [choose(values[: i + 1]) for i in range(len(values))]
    axes.step([trial["number"] for trial in done], best, where="post", color=stand_in(hue.role), linewidth=1.6)
    # The worst quarter is far below the rest: with it on the axis, nothing could be told from the others.
    distances = sorted(abs(value - best[-1]) for value in values)
    if spread := distances[math.ceil(len(distances) * _SHOWN_SHARE) - 1]:
        worse = -spread if choose is max else spread
        axes.set_ylim(*sorted((best[-1] + 1.3 * worse, best[-1] - 0.15 * worse)))
    axes.set_xlabel("trial")
    axes.xaxis.get_major_locator().set_params(nbins=5, integer=True)
    axes.yaxis.get_major_locator().set_params(nbins=5)
    return svg(figure, name, label)


def parallel_coordinates(table: Mapping[str, Any], hue: Hue, name: str, label: str) -> str:
    """Draw every complete trial as a line through its hyperparameters, the best in colour, the others grey."""
    trials = complete(table)
    few = max(1, math.ceil(len(trials) * _BEST_SHARE))
    figure, axes = axes_of(1132, 300, left=40, bottom=92, right=40)
    dimensions = table["space"]
    for place, trial in reversed(list(enumerate(trials))):
        heights = [_height(dimension, trial["values"].get(dimension["name"])) for dimension in dimensions]
        style = (
            {"color": stand_in(hue.role), "linewidth": 1.8}
            if place < few
            else {"color": stand_in("muted"), "linewidth": 0.5}
        )
        axes.plot(range(len(dimensions)), heights, marker="o", markersize=2.5, **style)
    for place, dimension in enumerate(dimensions):
        low, high = _ends(dimension)
        for height, text, side in ((-0.05, low, "top"), (1.05, high, "bottom")):
            axes.text(place, height, text, ha="center", va=side, fontsize=10, color=stand_in("muted"))
    names = [dimension["name"].replace("_", " ") for dimension in dimensions]
    axes.set_xticks(range(len(names)), names, rotation=28, ha="right", rotation_mode="anchor", color=stand_in("ink"))
    axes.tick_params(axis="x", pad=18)
    axes.set(ylim=(-0.15, 1.15), yticks=[])
    axes.grid(visible=False, axis="y")
    axes.spines[["left", "bottom"]].set_visible(False)
    return svg(figure, name, label)


def _height(dimension: Mapping[str, Any], value: Any) -> float:  # noqa: ANN401 - as the hyperparameter
    """Return where in its range a value is, from 0 to 1; NaN, a gap in the line, where it was not searched."""
    if value is None:
        return math.nan
    if "choices" in dimension:
        return float(dimension["choices"].index(value) / max(1, len(dimension["choices"]) - 1))
    scale = math.log if dimension["log"] else float
    low, high = scale(dimension["low"]), scale(dimension["high"])
    return (scale(value) - low) / (high - low) if high > low else 0.5


def _ends(dimension: Mapping[str, Any]) -> tuple[str, str]:
    """Return what stands at the lower and the upper end of a dimension's axis."""
    if "choices" in dimension:
        return str(dimension["choices"][0]), str(dimension["choices"][-1])
    return f"{dimension['low']:g}", f"{dimension['high']:g}"
