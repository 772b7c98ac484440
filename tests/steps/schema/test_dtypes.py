from __future__ import annotations

import numpy as np
import pytest

from steps.schema import dtypes


@pytest.mark.parametrize("dtype", dtypes.INTEGER_DTYPES)
def test_the_range_of_an_integer_is_numpy_s(dtype: str) -> None:
    info = np.iinfo(dtype)
    assert dtypes.value_range(dtype) == (info.min, info.max)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_range_of_a_float_is_that_of_float32(dtype: str) -> None:
    info = np.finfo(np.float32)
    assert dtypes.value_range(dtype) == (float(info.min), float(info.max))
