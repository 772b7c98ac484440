from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from steps.search import search, study, trial_table
from tests.steps.search.searching import SPACE, job, trial_at

if TYPE_CHECKING:
    from tests.support import Chain


def test_the_table_has_what_the_report_shows(chain: Chain) -> None:
    result, table = search.search(job(chain), search.Limits(14))
    best = table["trials"][table["best"] - 1]
    assert (best["value"], {**best["parameters"], "rounds": best["best_rounds"]}) == (
        result["value"],
        result["parameters"],
    )
    assert table["objective"] == "pr_auc"
    assert set(table["gain"]) == {
        *("preset", "best", "gain", "low", "high"),
        *("rows", "positive_rows", "significant"),
    }
    assert table["gain"]["low"] <= table["gain"]["gain"] <= table["gain"]["high"]
    assert {row["name"] for row in table["space"]} == {dimension.name for dimension in SPACE.dimensions}
    assert sum(table["importances"].values()) == pytest.approx(1)
    assert json.loads(json.dumps(table)) == table
    assert [set(row) for row in table["trials"]] == [set(asdict(study.Trial(**best)))] * 14


def test_the_dimension_that_decides_is_the_important_one() -> None:
    random = np.random.default_rng(0)
    draws = [(float(random.uniform(0, 1)), str(random.choice(["lossguide", "depthwise"]))) for _ in range(40)]
    trials = [trial_at(i, rate, learning_rate=rate, grow_policy=grow) for i, (rate, grow) in enumerate(draws, 1)]
    shares = trial_table.importances(trials, SPACE, 0)
    assert next(iter(shares)) == "learning_rate"
    assert shares["learning_rate"] > 0.9
    assert trial_table.importances(trials[:9], SPACE, 0) == {}
    assert trial_table.importances([replace(trial, value=0.5) for trial in trials], SPACE, 0) == {}
