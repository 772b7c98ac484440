from __future__ import annotations

from datetime import UTC, datetime

import pytest

from steps.core.errors import UsageError
from steps.core.times import now, parse_time


@pytest.mark.parametrize("text", ["2026-11-21T09:30:00Z", "2026-11-21T10:30:00+01:00", "2026-11-21T09:30:00.000Z"])
def test_times(text: str) -> None:
    assert parse_time(text) == datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    assert parse_time("") is None


@pytest.mark.parametrize("text", ["yesterday", "2026-11-21", "2026-11-21T09:30:00", "2026-11-21T09:30:00.0001Z"])
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time in RFC 3339, in --snapshot-time"):
        parse_time(text)


def test_the_present_time() -> None:
    found = parse_time(now())
    assert found is not None
    assert abs((datetime.now(UTC) - found).total_seconds()) < 60
