from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from steps import tables
from steps.core import storage
from steps.core.errors import BadDataError
from steps.reporting import inputs
from steps.search.trial_table import EMPTY
from tests.report_files import ROWS, SHA, SLUGS, trial_table_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.report_files import ReportFiles


def read(files: ReportFiles, data_sha256: str = SHA) -> inputs.ModelOutputs:
    metrics, scores, curves, searches = (
        {slug: files.path(kind, slug) for slug in SLUGS}
        for kind in ("metrics.json", "scores", "curve.json", "trials.json")
    )
    return inputs.read_model_outputs(metrics, scores, curves, searches, data_sha256)


def test_reads_the_files_that_exist_in_the_order_of_the_report(files: ReportFiles) -> None:
    files.path("scores", "beech").unlink()
    files.path("curve.json", "fir").unlink()
    storage.write_json(files.path("trials.json", "oak"), trial_table_of())
    found = read(files)
    assert list(found.metrics) == list(found.scored) == ["oak", "fir"]
    assert list(found.curves) == ["oak", "beech"]
    assert list(found.searches) == ["oak"]
    assert found.metrics["fir"]["cover_type"] == "fir"
    assert found.scored["fir"].rows.tolist() == list(range(ROWS))
    assert found.scored["fir"].labels.tolist() == files.labels(2).tolist()


@pytest.mark.parametrize("kind", ["metrics.json", "scores"])
def test_a_file_of_another_cover_type_is_refused(files: ReportFiles, kind: str) -> None:
    files.path(kind, "fir").rename(files.path(kind, "oak"))
    with pytest.raises(BadDataError, match=f"this is about cover type 'fir', not 'oak'.*oak/{kind}"):
        read(files)


def test_scores_of_other_data_are_refused(files: ReportFiles) -> None:
    assert tables.read_metadata(files.path("scores", "oak")).data_sha256 == SHA
    with pytest.raises(BadDataError, match=r"these rows are not from the profile's data.*oak/scores"):
        read(files, "other")


def test_a_file_that_is_not_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("{")
    with pytest.raises(BadDataError, match=r"not JSON .*file"):
        inputs.read_json(tmp_path / "file")


def test_usages_of_the_whole_run_come_first(tmp_path: Path) -> None:
    paths = {name: tmp_path / name for name in ("oak-split", "prepare", "oak-train")}
    for name in ("oak-split", "prepare"):
        usage = {"run": "now" if name == "prepare" else "before", "step": name.rpartition("-")[2]}
        storage.write_json(paths[name], usage)
    assert inputs.read_usages(paths, "now") == [
        {"name": "prepare", "cached": False, "run": "now", "step": "prepare"},
        {"name": "oak-split", "cached": True, "run": "before", "step": "split"},
    ]


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", json.dumps({**EMPTY, "trials": [{}]}), json.dumps({**EMPTY, "trials": 1})]
)
def test_a_file_that_is_not_a_trial_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "oak.json").write_text(text)
    with pytest.raises(BadDataError, match=r"oak\.json"):
        inputs.read_trial_tables({"oak": tmp_path / "oak.json"})


def test_trial_tables_that_exist_are_read(tmp_path: Path) -> None:
    storage.write_json(tmp_path / "oak.json", EMPTY)
    assert inputs.read_trial_tables({"oak": tmp_path / "oak.json", "fir": tmp_path / "fir.json"}) == {"oak": EMPTY}
