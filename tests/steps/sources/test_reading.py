from __future__ import annotations

from datetime import UTC, datetime

import pytest

from steps.core.errors import UsageError
from steps.sources.reading import Reading, parse_time

THEN = datetime(2026, 1, 1, tzinfo=UTC)
QUERY = Reading("SELECT 1", "one.sql")


@pytest.mark.parametrize("text", ["2026-11-21T09:30:00Z", "2026-11-21T10:30:00+01:00", "2026-11-21T09:30:00.000Z"])
def test_times(text: str) -> None:
    assert parse_time(text) == datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    assert parse_time("") is None


@pytest.mark.parametrize("text", ["yesterday", "2026-11-21", "2026-11-21T09:30:00", "2026-11-21T09:30:00.0001Z"])
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time in RFC 3339, in --snapshot-time"):
        parse_time(text)


@pytest.mark.parametrize("reading", [QUERY, Reading(snapshot=THEN)])
def test_options_of_bigquery_need_bigquery(reading: Reading) -> None:
    with pytest.raises(UsageError, match="is for BigQuery, the source is builtin:"):
        reading.check_source("builtin:")
    reading.check_source("bq://p1")


def test_the_profile_names_the_options_that_decide_the_rows() -> None:
    assert Reading(location="EU", maximum_bytes_billed=7).profile_entries() == {}
    both = Reading("SELECT 1", "one.sql", THEN).profile_entries()
    assert both == {"query": "SELECT 1", "snapshot_time": "2026-01-01T00:00:00+00:00"}
