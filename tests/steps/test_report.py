"""The command line of the report step: options, files, exit codes and the line that a run shows."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import matplotlib as mpl
import pytest

from steps.core import storage
from steps.search.trial_table import EMPTY
from tests.report_files import ROWS, SLUGS, TITLES, ReportFiles, trial_table_of
from tests.report_page import Page, check_page

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReportFiles:
    monkeypatch.setenv("COVERTYPE_RUN", "now")
    return ReportFiles(tmp_path)


def test_a_whole_run(files: ReportFiles) -> None:
    assert files.run("--seed", "7", "--preset", "fast") == 0
    document = files.document()
    page = check_page(files.page())
    for text in (
        *TITLES,
        "fast",
        "Made by runnow",
        "Seed7",
        f"{document['accuracy']:.4f}",
        f"{document['macro_f1']:.4f}",
    ):
        assert text in page.text
    assert "missing" not in page.text
    assert not any(step["cached"] for step in document["steps"])
    line = f"accuracy {document['accuracy']:.4f}, macro F1 {document['macro_f1']:.4f}"
    assert (files.folder / "out.summary").read_text() == line
    assert storage.read_json(files.folder / "out.usage")["rows_in"] == ROWS * len(SLUGS)


def test_equal_inputs_give_equal_bytes_and_matplotlib_is_left_as_it_was(files: ReportFiles) -> None:
    before = dict(mpl.rcParams)
    assert files.run(name="one") == files.run(name="two") == 0
    assert files.page("one") == files.page("two")
    assert files.document("one") == files.document("two")
    assert dict(mpl.rcParams) == before


def test_a_missing_cover_type_fails_after_both_files_are_written(
    files: ReportFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    files.fail("beech")
    assert files.run() == 1
    assert capsys.readouterr().err == "error: 1 of 3 cover types are missing: beech\n"
    assert files.document()["missing"] == ["beech"]
    assert "1 of 3 cover types are missing: Beech/Hornbeam." in check_page(files.page()).text
    assert (files.folder / "out.summary").read_text() == "1 of 3 cover types are missing: beech"


@pytest.mark.parametrize("kind", ["metrics.json", "scores"])
def test_a_cover_type_is_missing_if_one_of_its_files_is(files: ReportFiles, kind: str) -> None:
    files.path(kind, "oak").unlink()
    assert files.run() == 1
    assert files.document()["missing"] == ["oak"]


def test_a_run_without_any_result_is_reported_too(files: ReportFiles, capsys: pytest.CaptureFixture[str]) -> None:
    files.fail(*SLUGS)
    for slug in SLUGS:
        files.path("curve.json", slug).unlink()
    for usage in (files.folder / "usage").iterdir():
        usage.unlink()
    assert files.run() == 1
    assert "3 of 3 cover types are missing: oak, beech, fir" in capsys.readouterr().err
    assert files.document()["cover_types"] == {}
    assert check_page(files.page()).count("svg") == 0


def test_a_subset_succeeds(files: ReportFiles) -> None:
    assert files.run(asked=["fir", "oak"]) == 0
    document = files.document()
    assert list(document["cover_types"]) == ["fir", "oak"]
    assert (files.folder / "out.summary").read_text() == f"macro F1 {document['macro_f1']:.4f} over fir, oak"


def test_the_worst_class_is_a_figure_that_argo_shows(files: ReportFiles, tmp_path: Path) -> None:
    assert files.run(f"--worst-class={tmp_path / 'worst'}") == 0
    f1 = {slug: entry["f1"] for slug, entry in files.document()["cover_types"].items()}
    worst = min(f1, key=f1.__getitem__)
    assert (tmp_path / "worst").read_text() == f"{worst}: F1 {f1[worst]:.4f}"


def test_a_step_of_another_run_is_cached(files: ReportFiles) -> None:
    path = files.folder / "usage" / "oak-train"
    storage.write_json(path, storage.read_json(path) | {"run": "before"})
    assert files.run() == 0
    assert {step["name"] for step in files.document()["steps"] if step["cached"]} == {"oak-train"}


def test_searches_are_optional(files: ReportFiles) -> None:
    storage.write_json(files.folder / "oak.json", trial_table_of())
    storage.write_json(files.folder / "fir.json", EMPTY)
    tables = [f"--trial-table=oak={files.folder / 'oak.json'}", f"--trial-table=fir={files.folder / 'fir.json'}"]
    assert files.run(*tables, "--trial-table=beech=absent.json") == 0
    found = {slug: entry["search"] for slug, entry in files.document()["cover_types"].items()}
    assert found["oak"]["trials"] == 12
    assert found["fir"] is found["beech"] is None
    with_search = check_page(files.page())
    assert files.run(name="plain") == 0
    assert with_search.count("svg") == Page(files.page("plain")).count("svg") + 2


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--cover-type", "oak"], "'oak' is there twice, in --cover-type"),
        (["--cover-type", "elm"], "unknown cover type 'elm'"),
        (["--metrics", "oak"], "'oak' is not NAME=PATH, in --metrics"),
        (["--scores", "oak=x"], "the name 'oak' occurs twice, in --scores"),
        (["--metrics", "elm=x"], "cover type 'elm' is not asked for, in --metrics"),
    ],
)
def test_a_wrong_command_line_is_refused(
    files: ReportFiles, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    assert files.run(*more) in {2, 78}
    assert message in capsys.readouterr().err
    assert not (files.folder / "out.html").exists()


def test_a_cover_type_without_a_path_is_refused(files: ReportFiles, capsys: pytest.CaptureFixture[str]) -> None:
    assert files.run("--cover-type", "fir", asked=["oak"]) == 2
    assert "no path for cover type 'fir', in --metrics" in capsys.readouterr().err


def test_files_of_other_data_are_refused(files: ReportFiles, capsys: pytest.CaptureFixture[str]) -> None:
    profile = files.folder / "profile.json"
    storage.write_json(profile, storage.read_json(profile) | {"data_sha256": "other"})
    assert files.run() == 65
    assert "these rows are not from the profile's data" in capsys.readouterr().err


def test_a_file_that_is_not_a_trial_table_is_refused(files: ReportFiles) -> None:
    (files.folder / "oak.json").write_text(json.dumps({**EMPTY, "trials": 1}))
    assert files.run(f"--trial-table=oak={files.folder / 'oak.json'}") == 65
    assert not (files.folder / "out.html").exists()


def test_matplotlib_and_jinja_are_imported_only_to_render() -> None:
    check = "import sys, steps.report; sys.exit(bool({'matplotlib', 'jinja2'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
