from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from steps import tables
from steps.bundles import to_array

if TYPE_CHECKING:
    from tests.support import Chain


def test_an_array_of_features_is_float32_row_by_row(chain: Chain) -> None:
    batch = next(tables.read_batches(chain["test_features"]))
    array = to_array(batch, ["Slope", "Elevation"])
    assert array.dtype == np.float32
    assert array.flags.c_contiguous
    assert array[:, 1].tolist() == batch.column("Elevation").to_pylist()


def test_a_missing_value_is_nan() -> None:
    batch = pa.record_batch({"a": pa.array([1, None], pa.int16()), "b": pa.array([None, 0.5], pa.float32())})
    expected = np.array([[1, np.nan], [np.nan, 0.5]], np.float32)
    np.testing.assert_array_equal(to_array(batch, ["a", "b"]), expected)
