"""Features as one array of float32, as XGBoost and the forest read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray


def to_array(batch: pa.RecordBatch | pa.Table, features: Sequence[str]) -> NDArray[np.float32]:
    """Return the features of a batch (float32, shape (rows, features), C order), with NaN for a missing value."""
    array = np.empty((batch.num_rows, len(features)), np.float32)
    for i, name in enumerate(features):
        values = batch.column(name)
        array[:, i] = (values.fill_null(0) if values.null_count else values).to_numpy()
        if values.null_count:
            array[values.is_null().to_numpy(zero_copy_only=False), i] = np.nan
    return array
