"""The check that two ways to features give the same bits."""

from __future__ import annotations

import numpy as np


def assert_equal(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    """Require float32 features in C order with the bits that are expected."""
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == np.float32
        assert one.flags.c_contiguous
        assert np.array_equal(one.view("u4"), np.ascontiguousarray(other).view("u4"))
