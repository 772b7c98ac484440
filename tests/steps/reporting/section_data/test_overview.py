from __future__ import annotations

from typing import TYPE_CHECKING

from steps.reporting.section_data.overview import Headline, overview
from tests.report_files import ROWS, SHA, SLUGS
from tests.report_page import Page, render_section

if TYPE_CHECKING:
    from tests.report_files import ReportFiles


def test_the_overview_of_a_whole_run(files: ReportFiles) -> None:
    results = files.results()
    found, document = overview(results), results.document
    assert (found.schema, found.source, found.rows) == ("trees & <b>shrubs</b>", "x", 1200)
    assert (found.seed, found.preset, found.data_sha256) == (7, "fast", SHA[:12])
    assert (found.missing, found.requested, found.cover_types) == ([], 3, 3)
    assert found.headlines == [
        Headline("3-way accuracy", document["accuracy"], document["accuracy_interval"]),
        Headline("Macro F1", document["macro_f1"], document["macro_f1_interval"]),
    ]
    lowest = min(entry["f1"] for entry in document["cover_types"].values())
    assert found.weakest
    assert found.weakest.f1 == lowest
    assert found.weakest.name in [results.name(each) for each in results.requested]
    assert found.test_rows == ROWS
    low, high = document["accuracy_interval"]
    rendered = render_section("headlines", overview=found)
    assert f"<small>95% interval {low:.4f}–{high:.4f}</small>" in rendered
    assert "<dd>240<small>20% of all rows</small></dd>" in rendered
    assert "<dd>1,200</dd>" in render_section("header", overview=found)


def test_a_missing_cover_type_is_alarming(files: ReportFiles) -> None:
    files.fail("beech", "oak")
    assert overview(files.results()).missing == ["Oak & <i>Holm oak</i>", "Beech/Hornbeam"]
    found = Page(render_section("banner", overview=overview(files.results())))
    assert "2 of 3 cover types are missing: Oak & <i>Holm oak</i>, Beech/Hornbeam." in found.words
    assert ("div", {"class": "banner", "role": "alert"}) in found.tags


def test_a_subset_has_a_note(files: ReportFiles) -> None:
    shown = overview(files.results(asked=["fir", "oak"]))
    assert (shown.requested, shown.cover_types) == (2, 3)
    found = Page(render_section("banner", overview=shown))
    assert "2 of 3 cover types were " in found.words
    assert ("div", {"class": "banner note", "role": "note"}) in found.tags


def test_a_whole_run_has_no_banner(files: ReportFiles) -> None:
    assert not render_section("banner", overview=overview(files.results())).strip()


def test_without_any_model_there_is_no_weakest(files: ReportFiles) -> None:
    files.fail(*SLUGS)
    found = overview(files.results())
    assert found.weakest is None
    assert found.test_rows is None
    assert [headline.value for headline in found.headlines] == [None, None]
    assert "<dd>–<small></small></dd>" in render_section("headlines", overview=found)
