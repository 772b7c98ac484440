"""Feature tables as quantised matrices for XGBoost, which take one byte per value instead of four.

A large table is passed batch by batch. XGBoost reads all batches four times: it counts rows, computes quantiles, and
fills the matrix. A small table is passed as a whole, which takes a quarter less time. The matrices of small tables are
kept for the next step in the same process: the tables of all cover types have the same features, and other labels.
"""

from __future__ import annotations

from collections import deque
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING

import pyarrow as pa
import xgboost

from steps import tables
from steps.bundles import to_array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray


# The largest number of rows of a table that is passed as a whole: 80 MB with 20 features.
PIECE_ROWS = 1_000_000
# Characters in the name of a feature that XGBoost rejects or loses.
_REJECTED = frozenset("[]<\0")


class _Batches(xgboost.DataIter):  # type: ignore[misc]  # XGBoost has no types
    """Passes the record batches of feature tables to XGBoost, repeatedly."""

    def __init__(self, paths: Sequence[Path], features: Sequence[str]) -> None:
        super().__init__()
        self._paths, self._features = paths, list(features)
        self._stream: Iterator[pa.RecordBatch] = iter(())

    def next(self, input_data: Callable[..., Any]) -> bool:
        """Pass the next batch. Return False after the last one."""
        batch = next(self._stream, None)
        if batch is None:
            return False
        input_data(**_matrix_arguments(batch, self._features))
        return True

    def reset(self) -> None:
        """Return to the first row."""
        names = [*self._features, tables.LABEL]
        self._stream = chain.from_iterable(tables.read_batches(path, names) for path in self._paths)


# The matrices of training rows, validation rows and both together, with what each was made of.
_kept: deque[tuple[dict[str, Any], xgboost.QuantileDMatrix]] = deque(maxlen=3)


def _matrix_arguments(batch: pa.RecordBatch | pa.Table, features: list[str]) -> dict[str, Any]:
    """Return the features, labels and names of a batch as arguments of XGBoost's matrices."""
    return {
        "data": to_array(batch, features),
        "label": batch.column(tables.LABEL).to_numpy(),
        "feature_names": booster_names(features),
    }


def booster_names(features: Sequence[str]) -> list[str]:
    """Return the names of the features in XGBoost: their own names, or ``f0 f1 ...`` if it rejects one of them.

    XGBoost rejects ``[``, ``]`` and ``<``, and its model files cut a name at a null character.
    """
    if not any(_REJECTED & set(name) for name in features):
        return list(features)
    return [f"f{i}" for i in range(len(features))]


def quantise(
    *paths: Path, max_bin: int, threads: int, reference: xgboost.QuantileDMatrix | None = None
) -> xgboost.QuantileDMatrix:
    """Return the rows of feature tables as one quantised matrix with labels.

    A later call in this process returns the same matrix with new labels if the features are the same.

    Args:
        paths: The feature tables, all with the same features.
        max_bin: The number of bins of a feature. It must equal the booster's.
        threads: The number of threads.
        reference: For the validation rows the matrix of the training rows, whose bins they must share.
    """
    features = list(tables.read_metadata(paths[0]).features)
    options = {"max_bin": max_bin, "nthread": threads, "ref": reference}
    if sum(tables.count_rows(path) for path in paths) > PIECE_ROWS:
        return xgboost.QuantileDMatrix(_Batches(paths, features), **options)
    rows = pa.concat_tables([tables.read_table(path, [*features, tables.LABEL]) for path in paths])
    arguments = _matrix_arguments(rows, features)
    return _quantise_once(arguments.pop("data"), arguments.pop("label"), {**arguments, **options})


def _quantise_once(
    data: NDArray[np.float32], label: NDArray[np.uint8], options: dict[str, Any]
) -> xgboost.QuantileDMatrix:
    """Return a matrix, which is that of an earlier call with the same features and options if it is kept."""
    made_of = {"shape": data.shape, "sha256": sha256(data.data).digest(), **options}
    for other, matrix in _kept:
        if other == made_of:
            matrix.set_label(label)
            return matrix
    matrix = xgboost.QuantileDMatrix(data, label=label, **options)
    _kept.append((made_of, matrix))
    return matrix
