"""Hyperparameters as values."""

from __future__ import annotations

import json

from steps.core.options import declared
from steps.options.train import GrowPolicy, Hyperparameters


def test_values_of_none_change_nothing() -> None:
    start = Hyperparameters(rounds=7)
    assert start.with_values({"rounds": None, "gamma": 2.0}) == Hyperparameters(rounds=7, gamma=2.0)


def test_xgboost_sees_its_own_names_only() -> None:
    passed = Hyperparameters().for_xgboost()
    names = {option.attribute for option in declared(Hyperparameters)}
    assert names - set(passed) == {"rounds", "early_stopping", "evaluate_every"}


def test_values_by_name_are_plain_json() -> None:
    values = Hyperparameters(grow_policy=GrowPolicy.LOSSGUIDE).to_dict()
    assert type(values["grow_policy"]) is str
    assert Hyperparameters(**json.loads(json.dumps(values))).to_dict() == values


def test_every_default_is_within_its_limits() -> None:
    assert [option.name for option in declared(Hyperparameters) if option.problem(option.default)] == []
