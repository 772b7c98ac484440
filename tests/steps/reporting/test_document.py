from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from steps.core import storage
from steps.reporting import document
from steps.search.trial_table import EMPTY
from tests.report_files import SHA, SLUGS, trial_table_of

if TYPE_CHECKING:
    from tests.report_files import ReportFiles

JOINT = ("accuracy", "accuracy_interval", "macro_f1", "macro_f1_interval", "confusion")


def test_the_metrics_of_all_models_together(files: ReportFiles) -> None:
    found = files.results().document
    assert found["accuracy"] == pytest.approx(accuracy_score(files.truth, files.scores.argmax(axis=0)))
    one_vs_rest = [f1_score(files.labels(place), files.scores[place] >= 0.6) for place in range(len(SLUGS))]
    assert found["macro_f1"] == pytest.approx(np.mean(one_vs_rest))
    assert np.mean([found["cover_types"][slug]["f1"] for slug in SLUGS]) == pytest.approx(found["macro_f1"])
    for name in ("accuracy", "macro_f1"):
        low, high = found[f"{name}_interval"]
        assert low < found[name] < high
    assert found["confusion"]["cover_types"] == list(SLUGS)
    assert np.sum(found["confusion"]["counts"], axis=1).tolist() == np.bincount(files.truth).tolist()
    assert found["missing"] == []


def test_the_entry_of_a_model_is_its_metrics(files: ReportFiles) -> None:
    given, found = storage.read_json(files.path("metrics.json", "fir")), files.results().document["cover_types"]["fir"]
    names = {name for metric in given["metrics"] for name in (metric, f"{metric}_interval")}
    assert set(found) == names | {"label", "title", "support", "rows", "threshold", "confusion", "search"}
    for name, estimate in given["metrics"].items():
        assert found[name] == estimate["value"]
        assert found[f"{name}_interval"] == [estimate["low"], estimate["high"]]
    assert found["confusion"] == given["confusion"]
    assert set(document.METRICS) == set(given["metrics"])


def test_a_missing_model_leaves_no_metric_of_all_models(files: ReportFiles) -> None:
    files.fail("beech")
    found = files.results().document
    assert found["missing"] == ["beech"]
    assert set(found["cover_types"]) == {"oak", "fir"}
    assert [found[name] for name in JOINT] == [None] * len(JOINT)


def test_a_subset_has_a_macro_f1_and_no_accuracy(files: ReportFiles) -> None:
    found = files.results(asked=["fir", "oak"]).document
    assert found["accuracy"] is found["confusion"] is None
    expected = [f1_score(files.labels(place), files.scores[place] >= 0.6) for place in (2, 0)]
    assert found["macro_f1"] == pytest.approx(np.mean(expected))
    assert found["missing"] == []
    assert list(found["cover_types"]) == ["fir", "oak"]


def test_the_data_is_that_of_the_profile(files: ReportFiles) -> None:
    files.data({"oak": 400, "beech": 380, "fir": 20}, ["a note"])
    data = files.results().document["data"]
    assert set(data) == {*document.PROFILE_FACTS, "class_counts", "source_class_counts"}
    assert (data["data_sha256"], data["notes"]) == (SHA, ["a note"])
    assert data["prevalence"]["fir"] == {"source": round(1 / 3, 6), "used": 0.025, "differs": True}
    assert (data["class_counts"]["fir"], data["source_class_counts"]["fir"]) == (20, 400)


@pytest.mark.parametrize("objective", ["pr_auc", "f1", "logloss"])
def test_the_best_points_of_a_search_are_in_the_document(files: ReportFiles, objective: str) -> None:
    storage.write_json(files.path("trials.json", "oak"), trial_table_of(objective))
    storage.write_json(files.path("trials.json", "fir"), EMPTY)
    found = {slug: entry["search"] for slug, entry in files.results().document["cover_types"].items()}
    assert (found["oak"]["trials"], found["oak"]["pruned"], found["oak"]["best"]) == (12, 3, 6)
    values = [point["value"] for point in found["oak"]["best_points"]]
    assert values == sorted(values, reverse=objective != "logloss")
    assert found["oak"]["best_points"][0]["parameters"]["rounds"] == 20
    assert found["fir"] is found["beech"] is None


def test_the_usages_are_kept(files: ReportFiles) -> None:
    assert [step["name"] for step in files.results().document["steps"]][:2] == ["prepare", "beech-split"]


@pytest.mark.parametrize(
    ("found", "line"),
    [
        ({"missing": [], "accuracy": 0.5, "macro_f1": 0.25}, "accuracy 0.5000, macro F1 0.2500"),
        (
            {"missing": [], "accuracy": None, "macro_f1": 0.25, "cover_types": {"fir": {}, "oak": {}}},
            "macro F1 0.2500 over fir, oak",
        ),
        ({"missing": ["fir"]}, "1 of 3 cover types are missing: fir"),
    ],
)
def test_the_summary_line(files: ReportFiles, found: dict[str, object], line: str) -> None:
    assert document.summary_line(found, files.schema.cover_types) == line


@pytest.mark.parametrize(
    ("f1", "line"),
    [({"oak": 0.5, "fir": 0.25, "elm": 0.75}, "fir: F1 0.2500"), ({"oak": 0.5}, "oak: F1 0.5000"), ({}, "")],
)
def test_the_line_of_the_worst_class(f1: dict[str, float], line: str) -> None:
    assert document.worst_class_line({"cover_types": {slug: {"f1": value} for slug, value in f1.items()}}) == line
