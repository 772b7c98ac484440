from __future__ import annotations

from typing import TYPE_CHECKING

from steps.reporting.section_data.rows import rows_used
from tests.report_page import Page, render_section

if TYPE_CHECKING:
    from tests.report_files import ReportFiles


def test_dropped_rows_and_other_shares_are_shown(files: ReportFiles) -> None:
    files.data({"oak": 400, "beech": 380, "fir": 20}, ["400 of 1,200 rows <b>were dropped</b>"])
    results = files.results()
    found = rows_used(results)
    assert found
    assert (found.used, found.read) == (800, 1200)
    assert found.dropped == [(400, "for a missing value")]
    fir = found.prevalences[2]
    assert (fir.source_rows, fir.used_rows, fir.used_share, fir.differs) == (400, 20, 0.025, True)
    words = Page(render_section("rows_used", rows_used=found)).words
    for text in (
        "800 of 1,200 rows of the source were used. 400 were dropped for a missing value.",
        "<b>were dropped</b>",
        "33.33%",
        "2.50%",
    ):
        assert text in words


def test_each_reason_for_which_rows_were_dropped_is_given(files: ReportFiles) -> None:
    files.data({"oak": 400, "beech": 380, "fir": 20}, [])
    results = files.results()
    results.document["data"]["dropped"].update({"missing": 0, "duplicates": 1000, "not_in_sample": 3})
    found = rows_used(results)
    assert found
    assert found.dropped == [(1000, "as duplicates"), (3, "by sampling")]
    words = Page(render_section("rows_used", rows_used=found)).words
    assert "1,000 were dropped as duplicates; 3 were dropped by sampling." in words


def test_a_note_is_enough_for_the_section(files: ReportFiles) -> None:
    files.data({"oak": 400, "beech": 400, "fir": 400}, ["a note"])
    found = rows_used(files.results())
    assert found
    assert (found.notes, found.dropped) == (["a note"], [])


def test_where_all_rows_are_used_there_is_no_section(files: ReportFiles) -> None:
    assert rows_used(files.results()) is None
