from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steps.core import storage
from steps.reporting import svg
from steps.reporting.section_data.usage import resource_usage, timeline
from tests.report_page import Page, render_section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.report_files import ReportFiles


@pytest.fixture(autouse=True)
def _defaults() -> Iterator[None]:
    with svg.plot_defaults():
        yield


def test_the_timeline_shows_each_step(files: ReportFiles) -> None:
    found = timeline(files.results())
    assert found
    assert found.steps == 7
    assert found.work_seconds == 2 + 2 * (0.5 + 1.5 + 2.5)
    assert found.total_seconds == 5.5
    assert found.legend == [("prepare", "stage0"), ("split", "stage1"), ("train", "stage2")]
    assert 'aria-label="Timeline of 7 steps in 5.5 seconds"' in found.svg
    words = Page(render_section("timeline", timeline=found)).words
    assert "7 steps ran for 11.0 s in total, within 5.5 s." in words


def test_cached_steps_are_in_the_table_and_not_in_the_timeline(files: ReportFiles) -> None:
    for step in ("oak-split", "beech-split", "fir-split"):
        path = files.folder / "usage" / step
        storage.write_json(path, storage.read_json(path) | {"run": "before", "started": 1.0, "finished": 2.0})
    results = files.results()
    drawn, used = timeline(results), resource_usage(results)
    assert drawn
    assert used
    assert drawn.steps == 4
    # The colour of a step does not depend on what was cached.
    assert drawn.legend == [("prepare", "stage0"), ("train", "stage2")]
    assert used.any_cached
    assert [usage["cached"] for group in used.groups for usage in group.usages].count(True) == 3
    assert Page(render_section("resource_usage", resource_usage=used)).tags.count(("span", {"class": "cached"})) == 3


def test_without_an_executed_step_there_is_no_timeline(files: ReportFiles) -> None:
    results = files.results(run="later")
    assert timeline(results) is None
    found = resource_usage(results)
    assert found
    assert [usage["cached"] for group in found.groups for usage in group.usages] == [True] * 7


def test_the_resources_are_grouped_by_cover_type(files: ReportFiles) -> None:
    found = resource_usage(files.results())
    assert found
    assert {group.title: [usage["step"] for usage in group.usages] for group in found.groups} == {
        "prepare": ["prepare"],
        "Beech/Hornbeam": ["split", "train"],
        "Fir $x^2$": ["split", "train"],
        "Oak & <i>Holm oak</i>": ["split", "train"],
    }
    assert (found.peak_bytes, found.any_cached) == (1 << 30, False)
    rendered = render_section("resource_usage", resource_usage=found)
    cells = ("2.00 s", "2.00 s", "1.00 GiB", "1,234,567", "–", "2.0 MiB", "–")
    assert "\n".join(f"<td>{cell}</td>" for cell in cells) in rendered


def test_without_usages_there_is_no_section(files: ReportFiles) -> None:
    for path in (files.folder / "usage").iterdir():
        path.unlink()
    assert timeline(files.results()) is None
    assert resource_usage(files.results()) is None
