from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from steps.core.errors import BadDataError, UsageError
from steps.options.train import Hyperparameters
from steps.options.tune import Objective
from steps.search import search, study, trial_table, warm_start
from tests.steps.search.searching import job, trial_at

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Chain


def test_warm_points_are_the_best_of_a_table_or_a_study(chain: Chain, tmp_path: Path) -> None:
    path, file = tmp_path / "study.jsonl", tmp_path / "trials.json"
    for objective in (Objective.PR_AUC, Objective.LOGLOSS):
        path.unlink(missing_ok=True)
        _, table = search.search(job(chain, objective=objective), search.Limits(7), path)
        file.write_text(json.dumps(table))
        complete = [row for row in table["trials"] if row["state"] == study.COMPLETE]
        ranked = sorted(complete, key=lambda row: row["value"], reverse=objective.sign > 0)
        expected = [Hyperparameters(**row["parameters"]) for row in ranked[:5]]
        report = {"cover_types": {"aspen": {"search": trial_table.summary(table)}, "krummholz": {"search": None}}}
        (tmp_path / "report.json").write_text(json.dumps(report))
        (tmp_path / "carried.json").write_text(json.dumps(warm_start.to_document({"aspen": expected})))
        assert warm_start.read(file) == warm_start.read(path) == {warm_start.ALL_COVER_TYPES: expected}
        assert warm_start.read(tmp_path / "report.json") == {"aspen": expected}
        assert warm_start.read(tmp_path / "carried.json") == {"aspen": expected}
    file.write_text(json.dumps(trial_table.EMPTY))
    assert warm_start.read(file) == {warm_start.ALL_COVER_TYPES: []}


def test_points_are_those_of_the_cover_type_or_of_every_one() -> None:
    aspen, every = [Hyperparameters(rounds=1)], [Hyperparameters(rounds=2)]
    assert warm_start.points_for("aspen", {"aspen": aspen}) == aspen
    assert warm_start.points_for("krummholz", {"aspen": aspen}) == []
    assert warm_start.points_for("krummholz", {warm_start.ALL_COVER_TYPES: every}) == every


def test_a_run_without_a_search_gives_no_points(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    for cover_types in ('{"aspen": {"search": null}}', '{"aspen": {}}', "{}"):
        path.write_text(f'{{"cover_types": {cover_types}}}')
        with pytest.raises(UsageError, match="this run did not search"):
            warm_start.read(path)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"trials": [1]}',
        '{"trials": 1}',
        "\n",
        '{"study": 1}\n{}\n',
        '{"warm_start": 1}',
        '{"warm_start": {"aspen": 1}}',
        '{"warm_start": {"aspen": [1]}}',
        '{"cover_types": [1]}',
        '{"cover_types": {"aspen": 1}}',
        '{"cover_types": {"aspen": {"search": {"best_points": [{}]}}}}',
    ],
)
def test_what_is_no_search_gives_no_points(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.json"
    path.write_text(text)
    with pytest.raises(BadDataError, match=r"or a study|not a study|is damaged"):
        warm_start.read(path)


def test_warm_points_with_an_unknown_parameter_are_refused(tmp_path: Path) -> None:
    row = asdict(trial_at(1, 0.5)) | {"parameters": {"depth": 3}}
    path = tmp_path / "table.json"
    path.write_text(json.dumps({"objective": "f1", "trials": [row]}))
    with pytest.raises(BadDataError, match="unknown hyperparameter 'depth'"):
        warm_start.read(path)
