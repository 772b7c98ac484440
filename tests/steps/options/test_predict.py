from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from steps.core.errors import UsageError
from steps.options.predict import check_output, check_registry, with_date


@pytest.mark.parametrize(
    "text", ["scores.csv", "s3://bucket/scores.parquet", "GS://bucket/a/b.csv.gz", "file:///a.csv"]
)
def test_addresses_of_an_output(text: str) -> None:
    scheme, separator, rest = text.partition("://")
    assert check_output(text) == f"{scheme.lower() if separator else scheme}{separator}{rest}"


def test_a_kind_of_file_that_cannot_be_written() -> None:
    check_output("s3://bucket/Scores.PARQUET")
    with pytest.raises(UsageError, match=r"unknown kind of file, in --output scores: let it end with \.parquet"):
        check_output("scores")


@pytest.mark.parametrize("text", ["s3://bucket/models", "GS://bucket/a", "models", "file:///models", ""])
def test_addresses_of_a_registry(text: str) -> None:
    assert check_registry(text) == text.replace("GS", "gs")


@pytest.mark.parametrize("text", ["bq://project.dataset", "s3://user:hidden@bucket/models", "builtin:"])
def test_addresses_that_are_no_registry(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_registry(text)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("text", ["bq://project.dataset.table", "builtin:", "http://host/scores.csv"])
def test_addresses_that_are_no_output(text: str) -> None:
    with pytest.raises(UsageError):
        check_output(text)


def test_the_date_is_that_of_the_moment_in_utc() -> None:
    moment = datetime(2026, 11, 27, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert with_date("gs://b/{date}/scores-{date}.csv", moment) == "gs://b/2026-11-26/scores-2026-11-26.csv"
    assert with_date("scores-{day}.csv", moment) == "scores-{day}.csv"
