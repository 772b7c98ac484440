from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from steps.registry.champion_gate import Gate, compare_with_champion

if TYPE_CHECKING:
    from collections.abc import Mapping


def lineage(pr_auc: Mapping[str, float | None], **changes: Any) -> dict[str, Any]:
    models = {slug: {"seed": 0, "rows": 9, "support": 2, "pr_auc": value} for slug, value in pr_auc.items()}
    return {"version": "v", "data_sha256": "d", "cover_types": models, **changes}


@pytest.mark.parametrize(
    ("new", "champion", "passes"),
    [
        ({"a": 0.9, "b": 0.9}, {"a": 0.9, "b": 0.9}, True),
        ({"a": 0.9, "b": 0.9}, {"a": 0.905, "b": 0.895}, True),
        ({"a": 0.8999}, {"a": 0.9}, False),
        ({"a": None}, {"a": 0.9}, False),
        ({"a": 0.9}, {"a": None}, False),
        ({"a": 0.9, "b": 0.9}, {"a": 0.9}, False),
        ({"a": 0.99, "b": 0.7}, {"a": 0.7, "b": 0.9}, False),
    ],
)
def test_the_gate(new: dict[str, float | None], champion: dict[str, float | None], passes: bool) -> None:  # noqa: FBT001
    assert compare_with_champion(lineage(new), lineage(champion), Gate()).passes is passes


def test_another_split_is_not_comparable() -> None:
    other = lineage({"a": 0.5})
    other["cover_types"]["a"]["support"] = 3
    verdict = compare_with_champion(lineage({"a": 0.9}), other, Gate())
    assert (verdict.passes, verdict.reason) == (False, "not comparable, the champion was measured on another split")


def test_a_tolerance_allows_a_lower_value() -> None:
    gate = Gate(tolerance=0.02, class_tolerance=0.05)
    champion = lineage({"a": 0.9, "b": 0.9})
    assert compare_with_champion(lineage({"a": 0.86, "b": 0.89}), champion, gate).passes is False
    assert compare_with_champion(lineage({"a": 0.86, "b": 0.93}), champion, gate).passes is True
    verdict = compare_with_champion(lineage({"a": 0.84, "b": 0.97}), champion, gate)
    assert (verdict.passes, verdict.reason) == (False, "PR-AUC of a 0.8400, the champion's 0.9000")


def test_without_a_champion_every_version_passes() -> None:
    verdict = compare_with_champion(lineage({"a": None}), None, Gate())
    assert (verdict.passes, verdict.reason) == (True, "there was no champion")
