"""Score rows with XGBoost itself, where the forest cannot be used or must be compared with it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import xgboost

from steps.core.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Boosters:
    """XGBoost's boosters behind the methods of :class:`steps.forest.scoring.Forest`.

    Args:
        models: The name of each model for messages, and the content of its ``model.ubj``.

    Raises:
        BadDataError: XGBoost cannot read a model.
    """

    engine = "xgboost"

    def __init__(self, models: Sequence[tuple[str, bytes]]) -> None:
        self._boosters = [load_booster(name, data) for name, data in models]
        self.models, self.features = len(models), self._boosters[0].num_features()
        self._lock, self._threads = threading.Lock(), 0

    def margins(self, rows: NDArray[np.float32], threads: int = 1) -> NDArray[np.float32]:
        """Return the margin of each row in each model (float32, shape (models, rows))."""
        return self._predict(rows, threads, "margin")

    def scores(self, rows: NDArray[np.float32], threads: int = 1) -> NDArray[np.float32]:
        """Return the probability of each row in each model (float32, shape (models, rows))."""
        return self._predict(rows, threads, "value")

    def _predict(self, rows: NDArray[np.float32], threads: int, kind: str) -> NDArray[np.float32]:
        rows = np.ascontiguousarray(rows, np.float32)
        with self._lock:
            if threads != self._threads:
                for booster in self._boosters:
                    booster.set_param({"nthread": threads})
                self._threads = threads
            if not len(rows):
                return np.empty((self.models, 0), np.float32)
            return np.stack([booster.inplace_predict(rows, predict_type=kind) for booster in self._boosters])


def load_booster(name: str, data: bytes) -> xgboost.Booster:
    """Return the booster in the content of a ``model.ubj``; BadDataError if XGBoost cannot read it."""
    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(data))
    except xgboost.core.XGBoostError:
        raise BadDataError("not an XGBoost model", where=name, fix="train or fetch again") from None
    return booster
