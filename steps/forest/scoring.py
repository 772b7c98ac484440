"""Score rows with a packed forest."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from steps.forest import ir, kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steps.forest.packing import PackedTrees


class Forest:
    """The trees of all models, ready to score rows. Several threads may use it at once.

    Args:
        packed: The trees of all models.
    """

    engine = "forest"

    def __init__(self, packed: PackedTrees) -> None:
        self.packed = packed
        self.models, self.features = len(packed.base_margins), packed.features
        self.kernels = kernels.BoundKernels(packed, kernels.load(packed.format))

    def margins(self, rows: NDArray[np.float32], threads: int = 1) -> NDArray[np.float32]:
        """Return the margin of each row in each model; arguments and result as for :meth:`scores`."""
        return self._evaluate(rows, threads, probabilities=False)

    def scores(self, rows: NDArray[np.float32], threads: int = 1) -> NDArray[np.float32]:
        """Return the probability of each row in each model.

        The result does not depend on the number of threads, nor on the other rows.

        Args:
            rows: The features, shape (rows, features), with NaN for a missing value. Other dtypes than float32 and
                other orders than C are converted.
            threads: The number of threads.

        Returns:
            float32, shape (models, rows).

        Raises:
            ValueError: The rows have another number of features.
        """
        return self._evaluate(rows, threads, probabilities=True)

    def _evaluate(self, rows: NDArray[np.float32], threads: int, *, probabilities: bool) -> NDArray[np.float32]:
        rows = np.ascontiguousarray(rows, np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.features:  # noqa: PLR2004 - rows and features
            raise ValueError(f"the rows have the shape {rows.shape}, and the models {self.features} features")
        size = max(ir.BLOCK, -(-len(rows) // threads))
        starts = range(0, len(rows), size)
        out = np.empty((self.models, len(rows)), np.float32)

        def fill(start: int) -> None:
            part = out[:, start : start + size]
            part[:] = self.packed.base_margins[:, np.newaxis]
            self.kernels.add_margins(rows[start : start + size], part)

        if len(starts) <= 1:
            for start in starts:
                fill(start)
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(fill, starts))
        if probabilities:
            self.kernels.to_probabilities(out)
        return out
