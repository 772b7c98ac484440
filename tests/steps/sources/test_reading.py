from __future__ import annotations

from datetime import UTC, datetime

import pytest

from steps.core.errors import UsageError
from steps.sources.reading import Reading

THEN = datetime(2026, 1, 1, tzinfo=UTC)
QUERY = Reading("SELECT 1", "one.sql")


@pytest.mark.parametrize("reading", [QUERY, Reading(snapshot=THEN)])
def test_options_of_bigquery_need_bigquery(reading: Reading) -> None:
    with pytest.raises(UsageError, match="is for BigQuery, the source is builtin:"):
        reading.check_source("builtin:")
    reading.check_source("bq://p1")


def test_the_profile_names_the_options_that_decide_the_rows() -> None:
    assert Reading(location="EU", maximum_bytes_billed=7).profile_entries() == {}
    both = Reading("SELECT 1", "one.sql", THEN).profile_entries()
    assert both == {"query": "SELECT 1", "snapshot_time": "2026-01-01T00:00:00+00:00"}
