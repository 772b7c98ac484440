"""Rows of the same distribution raise no alarm, and rows of another one do."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from steps.drift import findings
from steps.drift.counting import Counter
from steps.drift.reference import Reference, from_profile
from tests.steps.drift.tables import SCHEMA, labels_of, profile_of, rows


@pytest.fixture(scope="module")
def reference() -> Reference:
    found = from_profile(profile_of(rows(40_000)), SCHEMA)
    assert found is not None
    return found


def measured(reference: Reference, number: int, seed: int = 5, share: float = 0.3, **changes: Any) -> dict[str, Any]:
    counter = Counter(reference)
    counter.add(rows(number, seed, **changes), labels_of(number, seed, share))
    return findings.measure(counter)


@pytest.mark.parametrize("number", [200, 1000, 30_000])
def test_the_same_distribution_raises_no_alarm(reference: Reference, number: int) -> None:
    for seed in range(5, 45):
        document = measured(reference, number, seed)
        assert document["level"] == "none", (seed, findings.summary_line(document))
        assert findings.summary_line(document) == ""


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "a shifted column": ({"shift": 0.6}, "size"),
    "a wider column": ({"wide": 2.0}, "size"),
    "missing values": ({"missing": 0.4}, "size"),
    "other shares of categories": ({"shares": (0.2, 0.2, 0.6, 0.0)}, "colour"),
    "a category that training never saw": ({"shares": (0.35, 0.2, 0.15, 0.3)}, "colour"),
    "other predictions": ({"share": 0.7}, "predicted shares"),
}


@pytest.mark.parametrize("number", [500, 20_000])
@pytest.mark.parametrize("name", list(CHANGES))
def test_another_distribution_raises_one(reference: Reference, name: str, number: int) -> None:
    changes, column = CHANGES[name]
    document = measured(reference, number, **changes)
    assert document["level"] == "major"
    assert [each for each, _ in findings.drifted(document)] == [column]
    assert findings.summary_line(document).startswith(f"drift against the training rows: {column} major (PSI ")


def test_a_small_shift_of_many_rows_is_no_alarm(reference: Reference) -> None:
    document = measured(reference, 200_000, shift=0.05)
    size = document["columns"]["size"]
    assert size["psi"] > size["psi_noise"]
    assert document["level"] == "none"


def test_few_rows_are_not_judged(reference: Reference) -> None:
    document = measured(reference, 150, shift=5)
    assert document["level"] == findings.TOO_FEW
    assert findings.summary_line(document) == ""


def test_unseen_and_missing_shares(reference: Reference) -> None:
    document = measured(reference, 2000, shares=(0.4, 0.2, 0.15, 0.25), missing=0.5)
    assert document["columns"]["colour"]["unseen"] == pytest.approx(0.25, abs=0.03)
    assert document["columns"]["size"]["missing"]["input"] == pytest.approx(0.5, abs=0.03)
    assert document["columns"]["size"]["missing"]["training"] == pytest.approx(0.02, abs=0.01)


def test_a_document_is_json_also_without_any_value(reference: Reference) -> None:
    counter = Counter(reference)
    empty = findings.measure(counter)
    assert json.loads(json.dumps(empty, allow_nan=False)) == empty
    counter.add(rows(300, missing=1.0), np.zeros(300, np.int64))
    document = findings.measure(counter, complete=False)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["predicted"] is None
    assert document["columns"]["size"]["ks"] is None
    assert document["columns"]["size"]["level"] == "major"
    assert sum(each["input"] for each in document["columns"]["count"]["bins"]) == pytest.approx(1)
