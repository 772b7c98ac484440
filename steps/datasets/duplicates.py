"""Find duplicate rows by the hashes of their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


def mask_first_occurrences(hashes: Iterable[NDArray[np.uint64]]) -> NDArray[np.bool_]:
    """Return which rows have a hash that no earlier row has (bool, shape (all rows,)).

    Memory use is about 24 bytes per row.
    """
    all_hashes = np.concatenate([np.empty(0, np.uint64), *hashes])
    mask = np.zeros(len(all_hashes), bool)
    mask[np.unique(all_hashes, return_index=True)[1]] = True
    return mask
