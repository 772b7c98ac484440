from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.datasets import frequencies
from steps.datasets.frequencies import FrequencyTable

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
COLUMNS = st.lists(st.one_of(FLOATS, st.integers(-5, 5).map(float)), max_size=300)


def summary_of(*parts: np.ndarray[Any, Any], bins: int = frequencies.BINS) -> tuple[list[float], list[int]]:
    table = FrequencyTable()
    for part in parts:
        table.add(part)
    upper, counts = table.summary(bins)
    return upper.tolist(), counts.tolist()


@pytest.mark.parametrize("most", [4, 1 << 14])
@given(values=COLUMNS, cut=st.integers(0, 300), seed=st.integers(0, 9))
def test_neither_order_nor_batches_matter(most: int, values: list[float], cut: int, seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frequencies, "_MOST_KEYS", most)
        column = np.array(values, np.float64)
        shuffled = np.random.default_rng(seed).permutation(column)
        expected = summary_of(column)
        assert summary_of(shuffled[:cut], shuffled[cut:]) == expected
    upper, counts = expected
    assert sum(counts) == len(values)
    assert upper == sorted(set(upper))
    if values:
        # Each value lies in the bin in which it is counted.
        found = np.bincount(np.searchsorted(upper, column + 0.0), minlength=len(upper))
        assert found.tolist() == counts


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.int64, np.float32])
def test_few_values_are_counted_exactly(dtype: Any) -> None:
    column = np.array([3, 1, 3, 200, 3], dtype)
    assert summary_of(column) == ([1.0, 3.0, 200.0], [1, 3, 1])


def test_bins_have_about_equal_numbers_of_values() -> None:
    column = np.random.default_rng(0).normal(size=50_000)
    upper, counts = summary_of(column[:20_000], column[20_000:])
    assert len(upper) == frequencies.BINS
    assert max(counts) < 1.2 * len(column) / frequencies.BINS
    assert upper[frequencies.BINS // 2 - 1] == pytest.approx(np.median(column), abs=0.02)


def test_memory_is_bounded_and_whole_numbers_far_apart_are_counted() -> None:
    table = FrequencyTable()
    for seed in range(3):
        table.add(np.random.default_rng(seed).integers(-(2**62), 2**62, 20_000))
    assert len(table._keys) <= frequencies._MOST_KEYS
    assert table.summary()[1].sum() == 60_000


def test_no_value_at_all() -> None:
    assert summary_of(np.zeros(0)) == ([], [])
