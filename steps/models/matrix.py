"""Feature tables as XGBoost's quantised matrices: memory is one byte a value, not four.

A large table is fed batch by batch, four times over, as XGBoost counts, ranks and fills in turn. A small one is handed
over in one piece, which takes a quarter less time.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import xgboost

from steps import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray


# Up to here a table is one piece: with 20 features 80 MB.
PIECE_ROWS = 1_000_000
# Characters that XGBoost refuses or loses in the name of a feature.
_REFUSED = frozenset("[]<\0")


class _Batches(xgboost.DataIter):  # type: ignore[misc]  # XGBoost has no types
    """Feeds feature tables' record batches to XGBoost, as often as it asks (it sketches first, then fills)."""

    def __init__(self, paths: Sequence[Path], features: Sequence[str]) -> None:
        super().__init__()
        self._paths, self._features = paths, list(features)
        self._stream: Iterator[pa.RecordBatch] = iter(())

    def next(self, input_data: Callable[..., Any]) -> bool:
        """Hand over the next batch; return False at the end."""
        batch = next(self._stream, None)
        if batch is None:
            return False
        input_data(**_content(batch, self._features))
        return True

    def reset(self) -> None:
        """Start again at the first row."""
        names = [*self._features, tables.LABEL]
        self._stream = chain.from_iterable(tables.read_batches(path, names) for path in self._paths)


def _content(batch: pa.RecordBatch | pa.Table, features: list[str]) -> dict[str, Any]:
    """Return features, labels and names as XGBoost calls them."""
    return {
        "data": to_array(batch, features),
        "label": batch.column(tables.LABEL).to_numpy(),
        "feature_names": booster_names(features),
    }


def booster_names(features: Sequence[str]) -> list[str]:
    """Return what XGBoost calls the features: their own names, or ``f0 f1 ...`` where it refuses one of them.

    XGBoost refuses ``[``, ``]`` and ``<``, and its model files cut a name at a null character.
    """
    if not any(_REFUSED & set(name) for name in features):
        return list(features)
    return [f"f{i}" for i in range(len(features))]


def to_array(batch: pa.RecordBatch | pa.Table, features: Sequence[str]) -> NDArray[np.float32]:
    """Return a batch's features as float32, shape (rows, features), row by row in memory; NaN where one is missing."""
    array = np.empty((batch.num_rows, len(features)), np.float32)
    for i, name in enumerate(features):
        values = batch.column(name)
        array[:, i] = (values.fill_null(0) if values.null_count else values).to_numpy()
        if values.null_count:
            array[values.is_null().to_numpy(zero_copy_only=False), i] = np.nan
    return array


def quantised(
    *paths: Path, max_bin: int, threads: int, reference: xgboost.QuantileDMatrix | None = None
) -> xgboost.QuantileDMatrix:
    """Return a feature table, or the rows of several one after the other, as a quantised matrix with its labels.

    Args:
        paths: features from preprocess; of several, all must have the same ones.
        max_bin: bins a feature; must equal the booster's.
        threads: threads to use.
        reference: the training rows' matrix, whose bins the validation rows must share.
    """
    features = list(tables.read_metadata(paths[0]).features)
    options = {"max_bin": max_bin, "nthread": threads, "ref": reference}
    if sum(tables.count_rows(path) for path in paths) > PIECE_ROWS:
        return xgboost.QuantileDMatrix(_Batches(paths, features), **options)
    rows = pa.concat_tables([tables.read_table(path, [*features, tables.LABEL]) for path in paths])
    return xgboost.QuantileDMatrix(**_content(rows, features), **options)
