from __future__ import annotations

import pytest

from steps.reporting import formats


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (0.0, "0.0000"), (0.98765, "0.9877"), (1, "1.0000")])
def test_a_metric(value: float | None, text: str) -> None:
    assert formats.metric(value) == text


def test_an_interval() -> None:
    assert formats.interval([0.1, 0.25]) == "0.1000–0.2500"
    assert formats.interval(None) == ""


def test_counts_and_durations() -> None:
    assert formats.thousands(1234567) == "1,234,567"
    assert formats.seconds(1234.567) == "1,234.57 s"
    assert formats.seconds(0.05, 1) in {"0.1 s", "0.0 s"}


@pytest.mark.parametrize(("decimals", "text"), [(0, "12%"), (1, "12.3%"), (2, "12.35%")])
def test_a_percentage(decimals: int, text: str) -> None:
    assert formats.percent(0.12346, decimals) == text


@pytest.mark.parametrize(
    ("count", "total", "text"),
    [(0, 0, ""), (0, 9, ""), (9, 9, "100.0%"), (1, 1000, "0.1%"), (1, 1001, "<0.1%"), (1, 3, "33.3%")],
)
def test_the_percentage_of_a_row(count: int, total: int, text: str) -> None:
    assert formats.row_percent(count, total) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "–"), (1 << 19, "0.5 MiB"), ((1 << 30) - 1, "1024.0 MiB"), (3 << 29, "1.50 GiB")]
)
def test_a_size(count: int, text: str) -> None:
    assert formats.size(count) == text
