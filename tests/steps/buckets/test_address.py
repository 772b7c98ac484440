from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.buckets import address
from steps.core.errors import UsageError


@pytest.mark.parametrize("scheme", ["gs://", "s3://"])
def test_the_parts_of_an_address(scheme: str) -> None:
    assert address.split_uri(f"{scheme}my-bucket/a/b c", scheme) == ("my-bucket", "a/b c")
    assert address.split_uri(f"{scheme}my-bucket", scheme) == ("my-bucket", "")


@pytest.mark.parametrize("rest", ["", "/x", "UPPER/x", "-a/x", "bucket/a\nb"])
def test_addresses_that_are_none(rest: str) -> None:
    with pytest.raises(UsageError, match="write it as s3://bucket/name"):
        address.split_uri(f"s3://{rest}", "s3://")


def test_an_address_of_another_kind_of_bucket() -> None:
    with pytest.raises(UsageError, match="'gs://bucket/x' is not s3://bucket/name"):
        address.split_uri("gs://bucket/x", "s3://")


@pytest.mark.parametrize(
    ("name", "matching", "others"),
    [
        ("t/*.csv", ["t/a.csv", "t/.csv"], ["t/a/b.csv", "t/a.csv.gz", "x/t/a.csv"]),
        ("t/?.csv", ["t/a.csv"], ["t/ab.csv", "t//.csv"]),
        ("**.csv", ["a.csv", "t/a.csv"], ["a.csv.gz"]),
        ("a[b]*", ["a[b]c"], ["abc"]),
    ],
)
def test_what_wildcards_match(name: str, matching: list[str], others: list[str]) -> None:
    pattern = address.wildcard_pattern(name)
    assert address.has_wildcard(name)
    assert [each for each in matching + others if pattern.fullmatch(each)] == matching
    assert all(each.startswith(address.fixed_prefix(name)) for each in matching)


@given(st.text(alphabet="ab/.[]()", max_size=12))
def test_a_name_without_wildcards_matches_itself(name: str) -> None:
    assert not address.has_wildcard(name)
    assert address.fixed_prefix(name) == name
    assert address.wildcard_pattern(name).fullmatch(name)
