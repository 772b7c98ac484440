from __future__ import annotations

from typing import TYPE_CHECKING

from steps.reporting.palette import Hue

if TYPE_CHECKING:
    from tests.report_files import ReportFiles


def test_a_hue_follows_from_the_schema_alone(files: ReportFiles) -> None:
    results = files.results(asked=["fir", "oak"])
    fir = files.schema.cover_type("fir")
    assert results.hue(fir) == files.results().hue(fir) == Hue.of(2)
    assert results.name(fir) == ("Fir $x^2$", "hue2")


def test_evaluated_cover_types_are_in_the_order_of_the_request(files: ReportFiles) -> None:
    files.fail("beech")
    results = files.results(asked=["fir", "beech", "oak"])
    assert [cover_type.slug for cover_type in results.requested] == ["fir", "beech", "oak"]
    assert [cover_type.slug for cover_type in results.evaluated] == ["fir", "oak"]
