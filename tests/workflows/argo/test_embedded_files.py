from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from steps.core.errors import NoInputError, UsageError
from workflows.argo import embedded_files

if TYPE_CHECKING:
    from pathlib import Path


def test_a_text_is_returned_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "query.sql").write_text("SELECT 'é'\n", encoding="utf-8")
    assert embedded_files.read_text(str(tmp_path / "query.sql"), "--query") == "SELECT 'é'\n"


def test_a_missing_text_names_its_option(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match=r"no such file, in .*query\.sql: check --query"):
        embedded_files.read_text(str(tmp_path / "query.sql"), "--query")


def test_a_folder_stands_for_the_report_of_its_run(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match=r"no such file, in .*/report\.json: check --warm-start"):
        embedded_files.read_warm_start(str(tmp_path))


def test_points_of_a_search_are_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from steps.search import warm_start

    monkeypatch.setattr(warm_start, "read", lambda path: {"aspen": [{"max_depth": 3}], "path": path.name})
    monkeypatch.setattr(warm_start, "to_document", lambda points: {"points": points})
    found = json.loads(embedded_files.read_warm_start(str(tmp_path)))
    assert found == {"points": {"aspen": [{"max_depth": 3}], "path": "report.json"}}


def test_an_earlier_search_must_be_local() -> None:
    with pytest.raises(UsageError, match=r"can only be read from a local file, in --warm-start gs://b/run: copy"):
        embedded_files.read_warm_start("gs://b/run")
