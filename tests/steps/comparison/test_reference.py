from __future__ import annotations

from typing import Any

import pytest

from steps.comparison.reference import ReferenceUse


def use(**changes: Any) -> ReferenceUse:
    facts: dict[str, Any] = {"location": "gs://b/t.csv", "sha256": "s", "rows": 5000, "used": 5000, "without_label": 0}
    return ReferenceUse(**{**facts, "left_out": 0, "fitted": {"a": 0, "b": 0}, **changes})


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "5,000 of 5,000 rows of gs://b/t.csv"),
        (
            {"used": 3990, "left_out": 1000, "without_label": 10, "fitted": {"a": 0, "b": 1000}},
            (
                "3,990 of 5,000 rows of gs://b/t.csv, 1,000 left out because a version was fitted on them, "
                "10 without a label"
            ),
        ),
        (
            {"fitted": {"a": None, "b": None}},
            (
                "5,000 of 5,000 rows of gs://b/t.csv; "
                "no record of the rows that a and b was fitted on, so they are not left out"
            ),
        ),
    ],
)
def test_the_rows_in_one_line(changes: dict[str, Any], line: str) -> None:
    found = use(**changes)
    assert found.describe() == line
    assert ReferenceUse(**found.to_dict()) == found
