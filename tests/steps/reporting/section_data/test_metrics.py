from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from steps.reporting.document import METRICS
from steps.reporting.section_data.metrics import confusion_matrix, metrics_table
from tests.report_files import ROWS
from tests.report_page import Page, render_section

if TYPE_CHECKING:
    from tests.report_files import ReportFiles


def test_every_metric_of_every_model(files: ReportFiles) -> None:
    results = files.results()
    found = metrics_table(results)
    assert list(found.titles) == list(METRICS.values())
    for row, cover_type in zip(found.rows, results.requested, strict=True):
        entry = results.document["cover_types"][cover_type.slug]
        assert row.name == results.name(cover_type)
        assert row.metrics
        assert [cell.value for cell in row.metrics.cells] == [entry[key] for key in METRICS]
        assert [cell.interval for cell in row.metrics.cells] == [entry[f"{key}_interval"] for key in METRICS]
        assert (row.metrics.support, row.metrics.threshold) == (entry["support"], 0.6)
        assert row.metrics.share == entry["support"] / ROWS
    rendered = render_section("metrics", metrics=found)
    low, high = results.document["cover_types"]["oak"]["f1_interval"]
    value = results.document["cover_types"]["oak"]["f1"]
    assert f"<td>{value:.4f}<small>{low:.4f}–{high:.4f}</small></td>" in rendered
    assert "<td>0.600</td>" in rendered


def test_a_metric_that_is_not_defined_is_a_dash(files: ReportFiles) -> None:
    results = files.results()
    results.document["cover_types"]["oak"].update(precision=None, precision_interval=None)
    assert "<td>–<small></small></td>" in render_section("metrics", metrics=metrics_table(results))


def test_a_missing_model_has_a_row_without_metrics(files: ReportFiles) -> None:
    files.fail("beech")
    results = files.results()
    assert [row.metrics is None for row in metrics_table(results).rows] == [False, True, False]
    found = Page(render_section("metrics", metrics=metrics_table(results)))
    assert "missing: a step failed" in found.text
    assert ("td", {"class": "absent", "colspan": "10"}) in found.tags


def test_the_confusion_matrix(files: ReportFiles) -> None:
    results = files.results()
    found = confusion_matrix(results)
    assert found
    names = [results.name(cover_type) for cover_type in results.requested]
    assert list(found.columns) == [row.header for row in found.rows] == names
    counts = results.document["confusion"]["counts"]
    assert [[cell.text for cell in row.cells] for row in found.rows] == [[f"{n:,}" for n in row] for row in counts]
    shares = np.array(counts) / np.sum(counts, axis=1, keepdims=True)
    assert np.allclose([[cell.shade for cell in row.cells] for row in found.rows], np.sqrt(shares))
    assert found.rows[0].cells[0].note == f"{shares[0, 0]:.1%}"
    assert f"--a:{math.sqrt(shares[0, 0]):.2f}" in render_section("confusion", confusion=found)


def test_a_subset_has_no_confusion_matrix(files: ReportFiles) -> None:
    assert confusion_matrix(files.results(asked=["fir", "oak"])) is None


def test_a_cover_type_without_test_rows_has_an_empty_row(files: ReportFiles) -> None:
    results = files.results()
    results.document["confusion"]["counts"][0] = [0, 0, 0]
    found = confusion_matrix(results)
    assert found
    assert [(cell.text, cell.note, cell.shade) for cell in found.rows[0].cells] == [("0", "", 0)] * 3
