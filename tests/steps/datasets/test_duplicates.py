"""Duplicate rows, found by hashes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from steps.datasets import duplicates


@given(st.lists(st.integers(0, 20)))
def test_first_occurrences(hashes: list[int]) -> None:
    words = np.array(hashes, np.uint64)
    mask = duplicates.mask_first_occurrences([words[:3], words[3:]])
    assert mask.tolist() == [value not in hashes[:i] for i, value in enumerate(hashes)]
