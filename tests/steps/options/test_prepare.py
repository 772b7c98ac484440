"""Checks of the options of ``prepare``."""

from __future__ import annotations

import pytest

from steps.core.errors import UsageError
from steps.options.prepare import check_location, check_source, check_time


def test_the_scheme_of_a_source_comes_back_in_lower_case() -> None:
    assert check_source("GS://Bucket/a") == "gs://Bucket/a"
    assert check_source("builtin:") == "builtin:"
    assert check_source("some/file.csv") == "some/file.csv"


@pytest.mark.parametrize("text", ["ftp://host/file", "gs://user:secret@bucket/a", "https://token@host/table.csv"])
def test_sources_that_are_refused_without_showing_a_secret(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_source(text)
    assert "secret" not in str(caught.value)
    assert "token" not in str(caught.value)


def test_a_time_stays_as_it_is_written() -> None:
    assert check_time("2026-11-21T10:30:00+01:00") == "2026-11-21T10:30:00+01:00"
    assert check_time("") == ""
    with pytest.raises(UsageError, match="RFC 3339"):
        check_time("noon")


def test_a_location_is_a_name_of_a_region() -> None:
    assert [check_location(text) for text in ("", "EU", "europe-west1")] == ["", "EU", "europe-west1"]
    with pytest.raises(UsageError, match="no location of BigQuery"):
        check_location("EU; US")
