from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from steps.datasets.profile import Profile
from steps.drift.reference import Categorical, Numeric, from_profile
from tests.steps.drift.tables import SCHEMA, profile_of, rows


def test_the_distributions_of_a_profile() -> None:
    given = rows(5000)
    reference = from_profile(json.loads(json.dumps(profile_of(given))), SCHEMA)
    assert reference is not None
    size, colour = reference.columns["size"], reference.columns["colour"]
    assert isinstance(size, Numeric)
    assert isinstance(colour, Categorical)
    assert size.counts.sum() + size.missing == colour.counts.sum() + colour.missing == 5000
    assert reference.cover_types.sum() == 5000
    assert size.upper[-1] == np.nanmax(given.column("size").to_numpy(zero_copy_only=False))


def test_a_profile_of_an_earlier_version_has_none() -> None:
    profile: dict[str, Any] = profile_of(rows(100))
    del profile["columns"]["size"]["distribution"]
    assert from_profile(profile, SCHEMA) is None


@pytest.mark.parametrize(
    "change", [{"upper": [2, 1], "rows": [1, 1]}, {"upper": [1], "rows": [1, 1]}, {"upper": "x"}, None]
)
def test_a_damaged_distribution_is_none(change: object) -> None:
    profile: dict[str, Any] = profile_of(rows(100))
    profile["columns"]["size"]["distribution"] = change
    assert from_profile(profile, SCHEMA) is None


def test_an_empty_profile() -> None:
    assert from_profile(Profile(SCHEMA).to_dict(), SCHEMA) is not None
