from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import pytest

from steps.reporting import search_charts, svg
from steps.reporting.palette import Hue
from tests.report_files import trial_table_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _defaults() -> Iterator[None]:
    with svg.plot_defaults():
        yield


@pytest.mark.parametrize("objective", ["pr_auc", "f1", "logloss"])
def test_complete_trials_are_best_first(objective: str) -> None:
    trials = search_charts.complete_trials(trial_table_of(objective))
    values = [trial["value"] for trial in trials]
    assert len(trials) == 9
    assert values == sorted(values, reverse=objective != "logloss")


@pytest.mark.parametrize("objective", ["pr_auc", "logloss"])
def test_the_history_has_a_mark_for_each_trial(objective: str) -> None:
    plot = search_charts.history(trial_table_of(objective), Hue.of(2), "search", "label")
    pruned, complete = re.findall(r'<g clip-path="[^"]*">((?:<use [^>]*/>)+)</g>', plot)
    assert (pruned.count("<use"), complete.count("<use")) == (3, 9)
    assert "var(--muted)" in pruned
    assert "var(--hue2)" in complete


def test_equal_trials_are_drawn() -> None:
    table = trial_table_of()
    for trial in table["trials"]:
        trial["value"] = 0.5
    assert "<svg" in search_charts.history(table, Hue.of(0), "search", "label")


def test_the_best_tenth_is_in_colour() -> None:
    plot = search_charts.parallel_coordinates(trial_table_of(), Hue.of(2), "parallel", "label")
    assert len(re.findall(r"<path [^>]*stroke: var\(--hue2\); stroke-width: 1.8", plot)) == 1
    assert len(re.findall(r"<path [^>]*stroke: var\(--muted\); stroke-width: 0.5", plot)) >= 8
    for text in ("learning rate", "max depth", "lossguide", "depthwise", "0.1", "0.5", "12"):
        assert f">{text}</text>" in plot


@pytest.mark.parametrize(
    ("dimension", "value", "height"),
    [
        ({"low": 1, "high": 100, "log": True}, 10, 0.5),
        ({"low": 0, "high": 4, "log": False}, 1, 0.25),
        ({"low": 3, "high": 3, "log": False}, 3, 0.5),
        ({"choices": ["a", "b", "c"]}, "c", 1),
        ({"choices": ["a"]}, "a", 0),
    ],
)
def test_the_height_of_a_value(dimension: dict[str, object], value: object, height: float) -> None:
    assert search_charts._height(dimension, value) == pytest.approx(height)


def test_a_value_that_was_not_searched_is_a_gap() -> None:
    assert math.isnan(search_charts._height({"choices": ["a"]}, None))
