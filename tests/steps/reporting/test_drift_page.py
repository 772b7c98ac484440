from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steps.drift import findings
from steps.drift.counting import Counter
from steps.drift.reference import from_profile
from steps.reporting import drift_page
from tests.report_page import check_page
from tests.steps.drift.tables import SCHEMA, labels_of, profile_of, rows

if TYPE_CHECKING:
    from tests.report_page import Page


def page_of(number: int, shift: float, *, complete: bool = True) -> Page:
    reference = from_profile(profile_of(rows(5000)), SCHEMA)
    assert reference is not None
    counter = Counter(reference)
    counter.add(rows(number, 3, shift=shift), labels_of(number, 3))
    document = findings.measure(counter, complete=complete)
    return check_page(drift_page.render(document, models="<models>", source="a & b"))


def test_what_drifted_comes_first() -> None:
    page = page_of(2000, 1.0)
    assert "Major drift" in page.words
    assert "Rows scored2,000 Inputa & b Models<models>" in page.words
    assert page.words.index("size major") < page.words.index("predicted shares none")
    assert page.count("svg") == page.count("figure") == 4
    assert page.count("rect") > 40


@pytest.mark.parametrize(("number", "words"), [(2000, "No drift"), (100, "Too few rows"), (100, "Below 200 rows")])
def test_the_title_is_the_level(number: int, words: str) -> None:
    assert words in page_of(number, 0.0).words


def test_without_predicted_shares() -> None:
    page = page_of(2000, 0.0, complete=False)
    assert "predicted shares" not in page.words.replace("Columns and predicted shares", "")
