"""Rows on which the forest and XGBoost are compared when a forest is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steps.forest.packing import PackedTrees

COUNT = 96
_SPECIAL = np.array([np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-45], np.float32)
_SPECIAL_SHARE, _MISSING_SHARE = 0.05, 0.1


def make(packed: PackedTrees) -> NDArray[np.float32]:
    """Return rows of thresholds, of the numbers just below them, and of special numbers.

    A row of thresholds shows whether each comparison treats equal numbers as XGBoost does.

    Returns:
        float32, shape (COUNT, features). Equal trees give equal rows.
    """
    random = np.random.default_rng(0)
    rows = random.choice(_SPECIAL, (COUNT, packed.features))
    for feature, start, steps in zip(packed.column_feature, packed.column_start, packed.column_steps, strict=True):
        own = packed.thresholds[start : start + (1 << steps) - 1]
        own = own[~np.isnan(own)]
        values = random.choice(np.concatenate([own, np.nextafter(own, np.float32(-np.inf))]), COUNT)
        rows[:, feature] = np.where(random.random(COUNT) < _SPECIAL_SHARE, rows[:, feature], values)
    rows[random.random(rows.shape) < _MISSING_SHARE] = np.nan
    return rows
