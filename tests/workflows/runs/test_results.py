from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from steps.core.errors import BadDataError, NoInputError
from tests.workflows.finished_runs import finished_run
from workflows.local.nodes import Phase
from workflows.runs import results

if TYPE_CHECKING:
    from pathlib import Path

METRICS = dict.fromkeys(results.COVER_TYPE_KEYS, 0.5)


def test_names_of_runs_sort_by_time_and_differ() -> None:
    first, second = (results.new_run_name("covertype") for _ in range(2))
    assert re.fullmatch(r"covertype-\d{8}-\d{6}-[0-9a-f]{4}", first)
    assert first != second


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ({"a": 0, "report": 0}, 0),
        ({"a": 65, "b": 0}, 65),
        ({"a": 65, "b": 65, "report": 1}, 65),
        ({"a": 66, "b": 65}, 1),
        ({"a": 0, "report": 75}, 75),
        ({"a": 0, "report": 1}, 1),
        ({"a": 3}, 1),
        ({"a": 128 + 9}, 1),
        ({"a": None}, 1),  # an error of the run itself
        ({"a": 77, "b": None}, 1),
    ],
)
def test_a_run_ends_with_the_code_that_its_root_failures_have_in_common(
    codes: dict[str, int | None], expected: int, tmp_path: Path
) -> None:
    assert results.write_result(tmp_path, finished_run(codes), 0)["exit_code"] == expected


def test_a_report_that_failed_alone_is_a_root_failure() -> None:
    assert results.root_failures({"report": 1, "aspen-train": 2}) == {"aspen-train": 2}
    assert results.root_failures({"report": 1}) == {"report": 1}


def test_the_result_has_the_metrics_of_the_report(tmp_path: Path) -> None:
    report = {
        "accuracy": 0.9,
        "accuracy_interval": [0.8, 1.0],
        "data": {"notes": ["note"]},
        "cover_types": {"aspen": {**METRICS, "curves": "not in the result"}},
    }
    (tmp_path / "report.json").write_text(json.dumps(report))
    root = finished_run({"aspen": 0})
    root.children["aspen"].attempts = 1
    result = results.write_result(tmp_path, root, 1.234)
    assert result["cover_types"] == {"aspen": METRICS}
    assert (result["accuracy"], result["accuracy_interval"], result["macro_f1"]) == (0.9, [0.8, 1.0], None)
    assert (result["seconds"], result["notes"], result["failed_steps"]) == (1.23, ["note"], {})
    assert (result["executed_steps"], result["cached_steps"]) == (1, 0)
    assert results.read_result(tmp_path.parent, tmp_path.name) == result


def test_a_run_without_a_report_has_no_cover_types(tmp_path: Path) -> None:
    root = finished_run({"prepare": 65})
    root.children["prepare"].message = "no rows"
    result = results.write_result(tmp_path, root, 0)
    assert (result["cover_types"], result["accuracy"], result["report"]) == ({}, None, None)
    assert (result["status"], result["failed_steps"]) == ("Failed", {"prepare": "no rows"})


def test_report_and_models_are_copies(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "model.ubj").write_text("model")
    (tmp_path / "made.html").write_text("report")
    root = finished_run({"aspen-train": 0, "fir-train": 70, "report": 0})
    for task in ("aspen-train", "fir-train"):
        root.children[task].outputs.artifacts["model"] = tmp_path / "bundle"
    root.children["report"].outputs.artifacts["report"] = tmp_path / "made.html"
    results.copy_results(tmp_path / "run", root)
    (tmp_path / "run/models/aspen/model.ubj").write_text("edited")
    (tmp_path / "run/report.html").write_text("edited")
    assert (tmp_path / "bundle/model.ubj").read_text() == "model"
    assert [path.name for path in (tmp_path / "run/models").iterdir()] == ["aspen"]  # no model of a step that failed
    assert (tmp_path / "made.html").read_text() == "report"


def test_models_of_a_pod_with_all_steps_are_copied_though_a_cover_type_failed(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "model.ubj").write_text("model")
    (tmp_path / "made").write_text("report")
    root = finished_run({"all": 65})
    root.children["all"].outputs.artifacts |= {"model-fir": tmp_path / "bundle", "json": tmp_path / "made"}
    results.copy_results(tmp_path / "run", root)
    assert (tmp_path / "run/models/fir/model.ubj").read_text() == "model"
    assert (tmp_path / "run/report.json").read_text() == "report"


@pytest.mark.parametrize("damaged", ["", "{", "[]", "{}"])
def test_a_damaged_result_is_an_error_and_listed_as_unfinished(tmp_path: Path, damaged: str) -> None:
    folder = tmp_path / "a-run"
    folder.mkdir()
    (folder / results.WORKFLOW).touch()
    (folder / results.RESULT).write_text(damaged)
    with pytest.raises(BadDataError, match=f"not the result of a run, in {tmp_path}/a-run/result.json: run again"):
        results.read_result(tmp_path, "a-run")
    [listed] = results.list_results(tmp_path)
    assert (listed["run"], listed["status"], listed["cover_types"]) == ("a-run", "Unfinished", {})


@pytest.mark.parametrize(("made", "state"), [(True, "it did not finish"), (False, "there is no such run")])
def test_a_run_without_a_result(tmp_path: Path, state: str, *, made: bool) -> None:
    if made:
        (tmp_path / "a-run").mkdir()
    with pytest.raises(NoInputError, match=f"run 'a-run' has no result, {state}"):
        results.read_result(tmp_path, "a-run")


@pytest.mark.parametrize(
    ("name", "hint"), [("a-run", ""), ("champion", "; 'champion' is an alias, which needs --registry")]
)
def test_an_alias_that_is_taken_for_a_run(tmp_path: Path, name: str, hint: str) -> None:
    for read in (results.read_result, results.find_models):
        with pytest.raises(NoInputError) as caught:
            read(tmp_path, name)
        assert str(caught.value).endswith(f": `runs` lists the existing ones{hint}")


@pytest.mark.parametrize("name", ["a" * 300, "b\0c"])
def test_names_that_no_run_can_have(tmp_path: Path, name: str) -> None:
    for read in (results.run_folder, results.read_result, results.find_models):
        with pytest.raises(NoInputError, match=r"there is no run .*, which cannot be a name") as caught:
            read(tmp_path, name)
        assert len(str(caught.value)) < 100 + len(str(tmp_path)) + 100
    assert results.run_folder(tmp_path, "e" * 255) == tmp_path / ("e" * 255)


def test_runs_are_listed_by_name_and_so_by_time(tmp_path: Path) -> None:
    for name in ("covertype-2", "covertype-1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / results.WORKFLOW).touch()
    results.write_result(tmp_path / "covertype-1", finished_run({"a": 0}), 0)
    listed: list[dict[str, Any]] = results.list_results(tmp_path)
    assert [(each["run"], each["status"]) for each in listed] == [
        ("covertype-1", Phase.SUCCEEDED.value),
        ("covertype-2", "Unfinished"),
    ]
