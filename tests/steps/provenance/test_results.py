"""The links from the boosters to the report, where files and manifest agree with each other."""

from __future__ import annotations

import dataclasses
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from steps.core import storage
from steps.io import open_destination
from steps.provenance import results
from steps.provenance.evidence import Evidence, collect_version
from steps.provenance.links import State
from steps.registry import publishing
from tests.registered_run import VERSION

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def evidence(registered: Path, tmp_path: Path) -> Evidence:
    destination = open_destination(str(registered))
    manifest = publishing.read_manifest(destination.below(f"versions/{VERSION}"))
    return collect_version(destination, VERSION, manifest, tmp_path / "files")


def change(evidence: Evidence, name: str, **values: Any) -> None:
    storage.write_json(evidence.paths[name], evidence.document(name) | values)


def test_all_is_well(evidence: Evidence) -> None:
    for link in (results.boosters_link(evidence), results.metrics_link(evidence), results.report_link(evidence)):
        assert link.state is State.OK, link
    assert "its page was made from these figures" in results.report_link(evidence).detail


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"cover_type": "krummholz"}, "is the model of krummholz"),
        ({"threshold": 0.123}, "differ in threshold"),
        ({"sha256": {"model.ubj": "0", "preprocessor.skops": "0"}}, "checksum does not match"),
        ({"libraries": {}}, "differ in libraries"),
    ],
)
def test_bundles_that_contradict_themselves_or_the_lineage(
    evidence: Evidence, values: dict[str, Any], words: str
) -> None:
    change(evidence, "models/aspen/metadata.json", **values)
    link = results.boosters_link(evidence)
    assert (link.state, words in link.detail) == (State.BROKEN, True), link


def test_a_booster_of_another_model(evidence: Evidence) -> None:
    shutil.copy(evidence.paths["models/krummholz/model.ubj"], evidence.paths["models/aspen/model.ubj"])
    assert results.boosters_link(evidence).detail == "models/aspen: checksum does not match the metadata"
    assert results.boosters_link(Evidence("v", {}, {})).detail == "there is no model"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"support": 0}, "the counts of aspen"),
        ({"threshold": 0.123}, "the threshold of aspen"),
        ({"metrics": {}}, "accuracy of aspen"),
    ],
)
def test_metrics_that_are_not_those_of_the_scores(evidence: Evidence, values: dict[str, Any], words: str) -> None:
    change(evidence, "models/aspen/metrics.json", **values)
    link = results.metrics_link(evidence)
    assert (link.state, words in link.detail) == (State.BROKEN, True), link


def test_scores_that_are_not_stored(evidence: Evidence) -> None:
    paths = {name: path for name, path in evidence.paths.items() if name != "test-scores.parquet"}
    assert results.metrics_link(dataclasses.replace(evidence, paths=paths)).state is State.UNCHECKED


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"macro_f1": 0.5}, "macro_f1 of the report is 0.5"),
        ({"cover_types": {}}, "the report has no aspen"),
        ({"missing": []}, "the page was made from other figures"),
    ],
)
def test_reports_that_contradict_the_metrics(evidence: Evidence, values: dict[str, Any], words: str) -> None:
    if "missing" in values:  # the same figures, written in another way
        path = evidence.paths["report.json"]
        path.write_text(path.read_text() + "\n")
    else:
        change(evidence, "report.json", **values)
    link = results.report_link(evidence)
    assert (link.state, words in link.detail) == (State.BROKEN, True), link


def test_a_figure_of_one_model(evidence: Evidence) -> None:
    report = evidence.document("report.json")
    report["cover_types"]["krummholz"]["f1"] += 0.001
    storage.write_json(evidence.paths["report.json"], report)
    assert results.report_link(evidence).detail.startswith("the report and the metrics of krummholz differ in f1")
