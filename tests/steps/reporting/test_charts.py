from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from steps.reporting import charts, svg
from steps.reporting.palette import Hue

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _defaults() -> Iterator[None]:
    with svg.plot_defaults():
        yield


def texts(plot: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", plot)


def curve(rounds: int) -> dict[str, Any]:
    values = {"pr_auc": [0.5 + 0.4 * i / rounds for i in range(rounds)]}
    return {"rounds": [*range(1, rounds + 1)], "train": values, "validation": values}


@pytest.mark.parametrize(("rounds", "markers"), [(1, True), (11, True), (12, False)])
def test_a_learning_curve_with_few_points_marks_them(rounds: int, markers: bool) -> None:  # noqa: FBT001
    plot = charts.learning_curve(curve(rounds), Hue.of(4), 0.5, "curve", "label")
    assert ("<use" in plot) == markers
    assert "var(--hue4)" in plot
    assert "rounds" in texts(plot)


def test_a_mark_is_written_on_the_chosen_point_and_equal_f1_is_labelled() -> None:
    curves = [charts.PrCurve(Hue.of(i), f"m{i}", [0.1, 1.0], [1.0, 0.4], (0.7, 0.8)) for i in range(2)]
    whole = texts(charts.precision_recall(curves, 0.0, "pr", "label"))
    corner = texts(charts.precision_recall(curves, 0.7, "pr", "label"))
    assert {"m0", "m1", "F1 0.2", "F1 0.95", "recall", "precision"} <= set(whole)
    assert "F1 0.6" not in corner
    assert "F1 0.8" in corner


def test_the_timeline_has_a_row_for_each_name_from_top_to_bottom() -> None:
    rows = [("first", [charts.Bar(0, 1, "stage0")]), ("second", [charts.Bar(1, 2, "stage1"), charts.Bar(3, 0, "ink")])]
    plot = charts.timeline(rows, "timeline", "label")
    heights = {name: float(y) for y, name in re.findall(r'<text[^>]* y="([\d.]+)"[^>]*>(first|second)</text>', plot)}
    assert heights["first"] < heights["second"]
    assert plot.count("fill: var(--stage1)") == 1
    assert 'height="116"' in plot
