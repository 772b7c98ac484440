"""``--set``: options of a step, for all cover types or for one."""

from __future__ import annotations

import pytest

from steps.core.errors import PipelineError, UsageError
from workflows.settings import overrides

SLUGS = ("aspen", "cottonwood-willow")


def test_overrides() -> None:
    found = overrides.parse({"train.max_leaves": 4, "train.aspen.rounds": "5", "train.aspen.max-leaves": 6}, SLUGS)
    assert found.of("train") == {"max-leaves": "4"}
    assert found.of("train", "aspen") == {"max-leaves": "6", "rounds": "5"}
    assert found.of("train", "cottonwood-willow") == {"max-leaves": "4"}
    assert found.of("tune", "aspen") == {}


@pytest.mark.parametrize(
    ("key", "named"),
    [
        ("trian.rounds", "unknown step 'trian'"),
        ("train.round", "no option 'round'"),
        ("train", "no option ''"),
        ("train.pine.rounds", "unknown cover type 'pine'"),
        ("train..rounds", "unknown cover type ''"),
        ("prepare.source", "unknown step 'prepare'"),
        ("train.seed", "no option 'seed'"),
    ],
)
def test_overrides_that_do_not_exist(key: str, named: str) -> None:
    with pytest.raises(UsageError) as caught:
        overrides.parse({key: 1}, SLUGS)
    assert named in str(caught.value)
    assert f"--set {key}" in str(caught.value)


def test_split_entry() -> None:
    assert overrides.split_entry("train.rounds=5=6") == ("train.rounds", "5=6")
    with pytest.raises(PipelineError, match="STEP"):
        overrides.split_entry("train.rounds")


@pytest.mark.parametrize(
    ("entry", "fix"),
    [
        (("train.rounds", "0"), "a number of at least 1 is needed"),
        (("train.rounds", "many"), "a whole number is needed"),
        (("train.rounds", True), "a whole number is needed"),
        (("train.subsample", "2"), "a number from 0.01 to 1 is needed"),
        (("train.grow-policy", "sideways"), "use one of depthwise, lossguide"),
        (("tune.device", "tpu"), "use one of cpu, cuda"),
        (("train.threads", 10**20), "a number of at most 2147483647 is needed"),
    ],
)
def test_values_that_an_option_cannot_have(entry: tuple[str, object], fix: str) -> None:
    with pytest.raises(UsageError) as caught:
        overrides.parse(dict([entry]), SLUGS)
    assert caught.value.fix == fix
    assert caught.value.where == f"--set {entry[0]}"
