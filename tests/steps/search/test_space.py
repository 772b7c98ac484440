from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.options.train import Hyperparameters
from steps.search.space import Dimension
from tests.steps.search.searching import GROWTH

START = Hyperparameters()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"grow_policy": "lossguide", "max_leaves": 9}, {"max_leaves": 9, "max_depth": 0}),
        ({"grow_policy": "depthwise", "max_depth": 3}, {"max_leaves": 0, "max_depth": 3}),
        ({"grow_policy": "lossguide"}, {"max_leaves": 0, "max_depth": 0}),
    ],
)
def test_what_is_not_searched_is_otherwise(values: dict[str, Any], expected: dict[str, int]) -> None:
    point = GROWTH.apply(START, values)
    assert {name: point.to_dict()[name] for name in expected} == expected
    assert point.grow_policy == values["grow_policy"]


@pytest.mark.parametrize(
    ("point", "values", "inside"),
    [
        ({"max_depth": 9}, {"grow_policy": "depthwise", "max_depth": 9}, True),
        ({"max_depth": 10}, {"grow_policy": "depthwise"}, False),
        ({"max_depth": 5, "max_leaves": 8}, {"grow_policy": "depthwise", "max_depth": 5}, False),
        ({"max_depth": 5, "grow_policy": "other"}, {}, False),
    ],
)
def test_points_inside_and_outside(point: dict[str, Any], values: dict[str, Any], inside: bool) -> None:  # noqa: FBT001
    assert GROWTH.locate(START.with_values(point)) == (values, inside)


@given(st.sampled_from(["lossguide", "depthwise"]), st.integers(8, 64), st.integers(2, 9))
def test_a_point_of_a_space_is_found_where_it_was_put(policy: str, leaves: int, depth: int) -> None:
    searched: dict[str, Any] = {"max_leaves": leaves} if policy == "lossguide" else {"max_depth": depth}
    values: dict[str, Any] = {"grow_policy": policy, **searched}
    assert GROWTH.locate(GROWTH.apply(START, values)) == (values, True)


def test_what_a_dimension_contains() -> None:
    depth = Dimension(name="max_depth", whole=True, low=2, high=9)
    assert [depth.contains(value) for value in (1, 2, 9, 10, "2")] == [False, True, True, False, False]
    policy = Dimension(name="grow_policy", choices=("lossguide",))
    assert [policy.contains(value) for value in ("lossguide", "depthwise", 0)] == [True, False, False]
