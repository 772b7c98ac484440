from __future__ import annotations

from dataclasses import replace

import numpy as np

from steps.comparison.checks import check_floors, check_limits, check_slices, parts_of
from steps.comparison.policy import Limits, Slices, parse_policy
from steps.comparison.scores import Slice
from tests.steps.comparison.simulated import SLUGS, simulated, worsened


def test_floors_of_all_and_of_one_cover_type() -> None:
    text = "[floors]\nf1 = 0.1\naccuracy = 0.999\nlog_loss = 5\n[floors.cover_types.cedar]\npr_auc = 1"
    found = {check.name: check for check in check_floors(simulated(), parse_policy(text, "x"))}
    assert list(found) == ["f1 of ash", "f1 of birch", "f1 of cedar", "pr_auc of cedar", "accuracy", "log_loss"]
    assert [check.passed for check in found.values()] == [True, True, True, False, False, True]
    assert found["accuracy"].reason.startswith("floor of accuracy: 0.9")
    assert found["accuracy"].reason.endswith(", the limit is 0.999")


def test_a_metric_that_is_not_defined_fails_its_floor() -> None:
    some = simulated().take(np.arange(600), SLUGS[:2])
    (check,) = check_floors(some, parse_policy("[floors]\naccuracy = 0.1", "x"))
    assert (check.passed, check.value) == (False, None)
    assert "not measured" in check.reason


def test_a_log_loss_above_its_floor_fails() -> None:
    (check,) = check_floors(simulated(), parse_policy("[floors]\nlog_loss = 0.001", "x"))
    assert not check.passed


def test_a_drop_in_one_part_is_found() -> None:
    scores = simulated(4000, skill=3)
    north = scores.slices["Region"].codes == 0
    changed = replace(scores, scores=np.where(north, worsened(scores, 0.1).scores, scores.scores))
    found = list(check_slices(changed, scores, Slices()))
    assert [(check.name, check.passed) for check in found] == [
        ("accuracy in Region north", False),
        ("accuracy in Region east", True),
        ("accuracy in Region south", True),
        ("accuracy in Region west", True),
    ]
    assert found[0].rows == 1000
    assert "the champion's 1, the limit is 0.99" in found[0].reason
    assert all(check.passed for check in check_slices(changed, scores, Slices(maximum_drop=0.5)))


def test_a_drop_that_may_be_chance_passes() -> None:
    scores = simulated(1000, skill=3)
    right = scores.scores.argmax(axis=0) == scores.truth
    one = np.flatnonzero(right & (scores.slices["Region"].codes == 0))[:3]
    changed = scores.scores.copy()
    changed[:, one] = np.roll(changed[:, one], 1, axis=0)
    found = list(check_slices(replace(scores, scores=changed), scores, Slices(maximum_drop=0.005)))
    assert found[0].champion is not None
    assert found[0].value is not None
    assert found[0].champion - found[0].value > 0.005
    assert found[0].passed


def test_small_parts_and_other_slices_are_not_judged() -> None:
    scores = simulated(400)
    assert not list(check_slices(scores, scores, Slices()))
    assert len(list(check_slices(scores, scores, Slices(minimum_rows=100)))) == 4
    assert not list(check_slices(scores, scores, Slices(minimum_rows=100, names=("Soil",))))


def test_an_absolute_limit_of_a_part_holds_for_a_first_version() -> None:
    found = list(check_slices(simulated(1200), None, Slices(minimum_accuracy=0.9999)))
    assert len(found) == 4
    assert not any(check.passed for check in found)


def test_parts_are_named_by_slice_and_value() -> None:
    slices = {
        "Zone": Slice(("C2", "C7"), np.array([0, 1, -1, 1], np.int16)),
        "Area": Slice(("x",), np.zeros(4, np.int16)),
    }
    found = {name: rows.tolist() for name, rows in parts_of(slices, ["Zone"])}
    assert found == {"Zone C2": [True, False, False, False], "Zone C7": [False, True, False, True]}
    assert len(list(parts_of(slices, []))) == 3


def test_limits_of_size_and_time() -> None:
    limits = Limits(size_bytes=100, size_ratio=2, seconds_per_row=1, seconds_per_row_ratio=2)
    passed = [check.passed for check in check_limits((90, 0.5), (50, 0.3), limits)]
    assert passed == [True, True, True, True]
    passed = [check.passed for check in check_limits((101, 1.5), (50, 0.7), limits)]
    assert passed == [False, False, False, False]
    assert [check.passed for check in check_limits((90, 0.5), None, limits)] == [True, True]


def test_a_time_that_was_not_measured_fails_its_limit() -> None:
    (size, time) = check_limits((90, None), (50, None), Limits(size_ratio=4, seconds_per_row=1))
    assert (size.passed, time.passed) == (True, False)
    assert time.reason == "limit of seconds_per_row: not measured, the limit is 1"
    assert not list(check_limits((90, None), (None, None), Limits(size_ratio=4)))
