"""Numbers of bytes with units."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.core.quantities import (
    UNITS,
    available_cores,
    format_bytes,
    parse_bytes,
    peak_rss_bytes,
    reset_peak_rss,
)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("107374182400", 100 << 30),
        ("10 GB", 10**10),
        ("10gb", 10**10),
        (" 2 TiB ", 2 << 40),
        ("1.5 KiB", 1536),
        ("0.1 kB", 100),
        ("-1", -1),
        ("7 B", 7),
    ],
)
def test_what_is_read(text: str, count: int) -> None:
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "GB", "10 GX", "10 G", "1e3", "1,000", "0.3 B", "10 GB a day", "٣", "9" * 31])
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as 10 GB or 2 TiB"):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (1023, "1023"), (1024, "1 KiB"), (1000, "1 kB"), (100 << 30, "100 GiB"), (10**12, "1 TB")],
)
def test_the_largest_unit_that_is_exact(count: int, text: str) -> None:
    assert format_bytes(count) == text


@given(st.integers(0, 2**63 - 1), st.sampled_from(sorted(UNITS.values())))
def test_what_is_written_is_read(count: int, size: int) -> None:
    assert parse_bytes(format_bytes(count)) == count
    assert parse_bytes(format_bytes(count * size)) == count * size


def test_the_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 3, 5}, raising=False)
    assert available_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert available_cores() == 8


def test_the_peak_of_memory_starts_anew() -> None:
    large = bytearray(200_000_000)
    before = peak_rss_bytes()
    del large
    reset_peak_rss()
    assert peak_rss_bytes() <= before - 100_000_000 or not Path("/proc/self/clear_refs").exists()
