"""The time to score a row; the limits of the gate with it are in tests/steps/test_register.py."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from steps.core.errors import BadDataError
from steps.registry.judging import latency

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class Slow:
    """A predictor that takes some time, and writes down each call."""

    engine, models, features = "slow", 1, 3

    def __init__(self, name: str, seconds: float, calls: list[str]) -> None:
        self.name, self.seconds, self.calls = name, seconds, calls

    def scores(self, rows: NDArray[np.float32], threads: int = 1) -> NDArray[np.float32]:
        assert (rows.shape, threads) == ((latency.ROWS, 3), 1)
        self.calls.append(self.name)
        end = time.process_time() + self.seconds
        while time.process_time() < end:
            pass
        return np.zeros((1, len(rows)), np.float32)

    margins = scores


def test_versions_take_turns() -> None:
    calls: list[str] = []
    found = latency.measure_seconds_per_row([[Slow("a", 0.002, calls)], [Slow("b", 0.004, calls)] * 2])
    assert calls == ["a", "b", "b"] * (latency.REPEATS + 1)
    assert found[0] * latency.ROWS >= 0.002
    assert found[1] * latency.ROWS >= 0.008
    assert latency.measure_seconds_per_row([]) == []


def test_the_models_of_a_version_are_opened_together(models: Path) -> None:
    found = latency.open_predictors(models)
    count = len([path for path in models.iterdir() if path.is_dir()])
    assert [each.models for each in found] == [count]
    damaged = next(models.glob("*/model.ubj"))
    damaged.write_bytes(b"x")
    with pytest.raises(BadDataError, match="checksum does not match"):
        latency.open_predictors(models)
