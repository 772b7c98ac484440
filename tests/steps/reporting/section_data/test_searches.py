from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from steps.core import storage
from steps.reporting import svg
from steps.reporting.section_data.searches import searches
from steps.search.trial_table import EMPTY
from tests.report_files import trial_table_of
from tests.report_page import render_section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.report_files import ReportFiles


@pytest.fixture(autouse=True)
def _defaults() -> Iterator[None]:
    with svg.plot_defaults():
        yield


def write_table(files: ReportFiles, slug: str, **changes: Any) -> None:
    storage.write_json(files.path("trials.json", slug), {**trial_table_of(), **changes})


@pytest.mark.parametrize(("objective", "title"), [("pr_auc", "PR-AUC"), ("f1", "F1"), ("logloss", "Log loss")])
def test_a_search_has_a_row_and_two_plots(files: ReportFiles, objective: str, title: str) -> None:
    storage.write_json(files.path("trials.json", "oak"), trial_table_of(objective))
    storage.write_json(files.path("trials.json", "fir"), EMPTY)
    results = files.results()
    found = searches(results)
    assert found
    row = found.rows[0]
    assert len(found.rows) == len(found.histories) == len(found.parallels) == 1
    assert (row.name.role, row.trials, row.pruned, row.objective, row.verdict) == ("hue0", 12, 3, title, "yes")
    assert found.histories[0].note == "best 0.7571 in trial 6 of 12"
    assert found.histories[0].caption == found.parallels[0].caption == row.name
    rendered = render_section("searches", searches=found)
    assert "<td>+0.1500<small>+0.1000 to +0.2000</small></td>\n<td>yes</td>" in rendered
    assert "<td>90<small>9 positive</small></td>" in rendered
    assert 'id="search-oak-' in rendered
    assert "parallel-fir" not in rendered


@pytest.mark.parametrize(
    ("change", "cells"),
    [
        ({"significant": False}, "</td>\n<td>no</td>"),
        (dict.fromkeys(("preset", "best", "gain", "low", "high")), "<td>–</td>\n<td>not tested</td>"),
    ],
)
def test_a_gain_that_is_not_significant_or_not_tested(files: ReportFiles, change: dict[str, Any], cells: str) -> None:
    write_table(files, "oak", gain={**trial_table_of()["gain"], **change})
    assert cells in render_section("searches", searches=searches(files.results()))


def test_the_hyperparameters_are_in_the_order_of_their_importance(files: ReportFiles) -> None:
    write_table(files, "oak", importances={"max_depth": 0.2, "learning_rate": 0.8})
    write_table(files, "beech", importances={})
    write_table(files, "fir", importances={"max_depth": 0.9, "grow_policy": 0.1})
    results = files.results()
    found = searches(results)
    assert found
    assert found.importances
    assert [name.role for name in found.importances.columns] == ["hue0", "hue2"]
    texts = {row.header: [cell.text for cell in row.cells] for row in found.importances.rows}
    assert list(texts) == ["max depth", "learning rate", "grow policy"]
    assert texts == {"max depth": ["20%", "90%"], "learning rate": ["80%", "0%"], "grow policy": ["0%", "10%"]}
    assert "Hyperparameter importances" in render_section("searches", searches=found)


def test_without_importances_there_is_no_heat_map(files: ReportFiles) -> None:
    write_table(files, "oak", importances={})
    found = searches(files.results())
    assert found
    assert found.importances is None
    assert "Hyperparameter importances" not in render_section("searches", searches=found)


def test_without_a_trial_there_is_no_section(files: ReportFiles) -> None:
    storage.write_json(files.path("trials.json", "oak"), EMPTY)
    assert searches(files.results()) is None
