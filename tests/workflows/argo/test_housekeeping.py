from __future__ import annotations

import pytest

from workflows.argo import housekeeping


@pytest.mark.parametrize(("deadlines", "seconds"), [([3600, 3600], 604_800), ([604_800, 1], 604_801), ([], 604_800)])
def test_a_run_may_take_a_week_or_as_long_as_its_steps(deadlines: list[int], seconds: int) -> None:
    assert housekeeping.fields(deadlines)["active_deadline_seconds"] == seconds
