from __future__ import annotations

import pytest

from steps.core.errors import UsageError
from steps.options.predict import check_output


@pytest.mark.parametrize(
    "text", ["scores.csv", "s3://bucket/scores.parquet", "GS://bucket/a/b.csv.gz", "file:///a.csv"]
)
def test_addresses_of_an_output(text: str) -> None:
    scheme, separator, rest = text.partition("://")
    assert check_output(text) == f"{scheme.lower() if separator else scheme}{separator}{rest}"


@pytest.mark.parametrize("text", ["bq://project.dataset.table", "builtin:", "http://host/scores.csv"])
def test_addresses_that_are_no_output(text: str) -> None:
    with pytest.raises(UsageError):
        check_output(text)
