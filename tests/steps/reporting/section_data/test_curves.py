from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from steps.core import storage
from steps.reporting import page, svg
from steps.reporting.section_data.curves import LegendEntry, learning_curves, precision_recall
from tests.report_files import SLUGS
from tests.report_page import check_page, render_section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.report_files import ReportFiles


@pytest.fixture(autouse=True)
def _defaults() -> Iterator[None]:
    with svg.plot_defaults():
        yield


def curve(*values: float) -> dict[str, Any]:
    part = {"pr_auc": list(values)}
    return {"rounds": [*range(10, 10 * len(values) + 1, 10)], "train": part, "validation": part}


def test_the_legend_has_an_entry_for_each_evaluated_model(files: ReportFiles) -> None:
    files.fail("beech")
    results = files.results()
    found = precision_recall(results)
    assert found
    entries = results.document["cover_types"]
    assert found.legend == [
        LegendEntry("1", "hue0", "Oak & <i>Holm oak</i>", entries["oak"]["pr_auc"]),
        LegendEntry("3", "hue2", "Fir $x^2$", entries["fir"]["pr_auc"]),
    ]


@pytest.mark.parametrize(
    ("lowest", "captions"), [(0.62, ["The whole range", "From 0.5 to 1"]), (0.04, ["From 0 to 1"])]
)
def test_the_corner_holds_all_chosen_points(files: ReportFiles, lowest: float, captions: list[str]) -> None:
    results = files.results()
    for entry in results.document["cover_types"].values():
        entry.update(recall=lowest, precision=0.9)
    found = precision_recall(results)
    assert found
    assert [plot.caption for plot in found.plots] == captions
    assert [f">{i}</text>" in found.plots[-1].svg for i in (1, 2, 3)] == [True] * 3
    assert f'aria-label="Precision over recall of every model, {captions[-1].lower()}"' in found.plots[-1].svg


def test_an_undefined_precision_is_drawn_at_0(files: ReportFiles) -> None:
    results = files.results()
    results.document["cover_types"]["oak"].update(precision=None)
    found = precision_recall(results)
    assert found
    assert [plot.caption for plot in found.plots] == ["From 0 to 1"]


def test_without_models_there_are_no_curves(files: ReportFiles) -> None:
    files.fail(*SLUGS)
    assert precision_recall(files.results()) is None
    for slug in SLUGS:
        files.path("curve.json", slug).unlink()
    assert learning_curves(files.results()) is None


def test_the_best_round_is_the_first_of_equals(files: ReportFiles) -> None:
    storage.write_json(files.path("curve.json", "oak"), curve(0.5, 0.75, 0.75))
    files.path("curve.json", "fir").unlink()
    found = learning_curves(files.results())
    assert found
    assert [plot.note for plot in found] == ["best 0.7500 after 20 rounds", "best 0.7000 after 2 rounds"]
    assert "Holm oak&lt;/i&gt;: PR-AUC over rounds; on the validation rows best 0.7500 after 20 rounds" in found[0].svg
    assert "<small>best 0.7500 after 20 rounds</small>" in render_section("learning_curves", learning_curves=found)


def test_the_first_third_of_the_rounds_does_not_set_the_axis(files: ReportFiles) -> None:
    for slug in SLUGS:
        storage.write_json(files.path("curve.json", slug), curve(0.1, 0.2, 0.62, 0.7, 0.8, 0.9))
    found = learning_curves(files.results())
    assert found
    assert re.findall(r">([01]\.\d+)</text>", found[0].svg) == ["0.6", "0.7", "0.8", "0.9", "1.0"]


def test_the_axis_is_not_empty_for_a_perfect_model(files: ReportFiles) -> None:
    for slug in SLUGS:
        storage.write_json(files.path("curve.json", slug), curve(1.0, 1.0, 1.0))
    found = learning_curves(files.results())
    assert found
    ticks = re.findall(r">([01]\.\d+)</text>", found[0].svg)
    assert (ticks[0], ticks[-1]) == ("0.96", "1.00")


def test_perfect_models_are_drawn(files: ReportFiles) -> None:
    for place, slug in enumerate(SLUGS):
        files.scores[place] = files.labels(place)
        files.evaluated(place, slug)
        storage.write_json(files.path("curve.json", slug), curve(1.0))
    results = files.results()
    assert results.document["accuracy"] == results.document["macro_f1"] == 1
    check_page(page.render(results))
