"""Estimates of the work of a run."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from steps import estimates
from steps import schema as schemas
from steps.models import presets
from steps.options.shared import Preset
from steps.schema import DATA

ROWS, COVER_TYPES = estimates.BUILTIN_ROWS, estimates.BUILTIN_COVER_TYPES


def test_the_bundled_table_has_these_rows_and_cover_types() -> None:
    assert pq.read_metadata(DATA / "covertype.parquet").num_rows == ROWS
    assert len(schemas.load(schemas.BUILTIN).slugs) == COVER_TYPES


@pytest.mark.parametrize("preset", Preset)
def test_more_of_anything_is_more_work(preset: Preset) -> None:
    few = estimates.estimate_work(preset, 1000, 2).total
    assert few > 0
    assert estimates.estimate_work(preset, 2000, 2).total > few
    assert estimates.estimate_work(preset, 1000, 3).total > few
    assert estimates.estimate_work(preset, 1000, 2, trials=1).total > few
    rounds = presets.load(preset).parameters["rounds"]
    assert estimates.estimate_work(preset, 1000, 2, rounds=rounds).total == few
    assert estimates.estimate_work(preset, 1000, 2, rounds=rounds * 2).total > few


def test_presets_differ_in_training_alone() -> None:
    fast, default, thorough, _ = (estimates.estimate_work(preset, ROWS, COVER_TYPES) for preset in Preset)
    assert fast.cover_types < default.cover_types < thorough.cover_types
    assert fast.prepare == thorough.prepare


def test_a_search_takes_no_longer_than_its_limit() -> None:
    without = estimates.estimate_work(Preset.FAST, ROWS, 2).total
    limited = estimates.estimate_work(Preset.FAST, ROWS, 2, trials=10**9, timeout=60).total
    assert limited == pytest.approx(without + 2 * 60)
    short = estimates.estimate_work(Preset.FAST, 1000, 2, trials=1, timeout=1e9).total
    assert short == estimates.estimate_work(Preset.FAST, 1000, 2, trials=1).total
