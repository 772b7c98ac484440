from __future__ import annotations

import pytest

from workflows.rendered.document import Retry


@pytest.mark.parametrize(("attempt", "seconds"), [(0, 10), (1, 20), (2, 40), (3, 60), (9, 60)])
def test_the_delay_grows_up_to_its_cap(attempt: int, seconds: float) -> None:
    assert Retry(limit=9, duration=10, factor=2, cap=60).delay(attempt) == seconds


def test_without_a_strategy_there_is_neither_a_retry_nor_a_delay() -> None:
    assert (Retry().limit, Retry().delay(0)) == (0, 0)
