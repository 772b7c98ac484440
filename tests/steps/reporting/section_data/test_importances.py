from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steps.core import storage
from steps.reporting.section_data.importances import MOST_FEATURES, importances
from tests.report_files import SLUGS
from tests.report_page import Page, render_section

if TYPE_CHECKING:
    from tests.report_files import ReportFiles


def set_importances(files: ReportFiles, slug: str, shares: dict[str, float]) -> None:
    path = files.path("metrics.json", slug)
    storage.write_json(path, storage.read_json(path) | {"importances": shares})


def test_features_are_in_the_order_of_their_mean_share(files: ReportFiles) -> None:
    found = importances(files.results())
    assert found
    assert [row.header for row in found.heat_map.rows] == ["Height_<m>", "only_beech", "only_fir", "only_oak"]
    assert [cell.text for cell in found.heat_map.rows[0].cells] == ["75.0%"] * 3
    assert [cell.text for cell in found.heat_map.rows[1].cells] == ["0.0%", "25.0%", "0.0%"]
    assert found.heat_map.rows[0].cells[0].shade == 1
    assert found.left_out == 0
    assert "left out" not in render_section("importances", importances=found)


def test_more_features_than_fit_are_left_out_and_counted(files: ReportFiles) -> None:
    set_importances(files, "oak", {f"feature_{i:02}": 0.3 if i < 25 else 0.15 for i in range(30)})
    found = importances(files.results())
    assert found
    assert len(found.heat_map.rows) == MOST_FEATURES
    assert found.left_out == 33 - MOST_FEATURES
    assert found.highest_left_out == pytest.approx(0.1)
    words = Page(render_section("importances", importances=found)).words
    assert "13 more features, each with a mean share of at most 10.0%, are left out." in words


def test_a_feature_name_may_wrap_after_an_underscore(files: ReportFiles) -> None:
    assert "Height_<wbr>&lt;m&gt;" in render_section("importances", importances=importances(files.results()))


def test_models_without_a_split_have_no_section(files: ReportFiles) -> None:
    for slug in SLUGS:
        set_importances(files, slug, {})
    assert importances(files.results()) is None
    files.fail(*SLUGS)
    assert importances(files.results()) is None
