"""Divide the validation rows of a search into two halves: one to select the best trial, one to evaluate it.

The best of many trials is best on the selection rows partly by chance, so its gain on these rows is too large. The
held-out half is therefore not used for any choice of the search: pruning, early stopping, sampling, or the best trial.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from steps import tables
from steps.core.errors import BadDataError
from steps.tables import hashing

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_CLASSES = 2


class Parts(NamedTuple):
    """Values of the selection rows and of the held-out rows, each of shape (rows,)."""

    selection: NDArray[Any]
    held_out: NDArray[Any]


@dataclass(frozen=True)
class Halves:
    """The division of the validation rows.

    Attributes:
        labels: 0 or 1 (uint8, shape (rows,)).
        selection: Which rows are selection rows (bool, shape (rows,)); the others are held out.
    """

    labels: NDArray[np.uint8]
    selection: NDArray[np.bool_]

    def parts(self, values: NDArray[Any]) -> Parts:
        """Return the values of the selection rows and of the held-out rows."""
        return Parts(values[self.selection], values[~self.selection])


def read_halves(features: Path, seed: int) -> Halves:
    """Read the labels of a feature table, and divide its rows.

    The selection rows are the half of the positive and the half of the negative rows with the lower hashes of their
    feature values. Equal rows are therefore in the same half. If the number is odd, they are one more.

    Args:
        features: The feature table.
        seed: The seed of the hash.

    Raises:
        BadDataError: The rows are all positive or all negative.
    """
    names = tables.read_metadata(features).features
    hashes, labels = [np.empty(0, np.uint64)], [np.empty(0, np.uint8)]
    for batch in tables.read_batches(features, [*names, tables.LABEL]):
        hashes.append(hashing.hash_rows([batch.column(name) for name in names], batch.num_rows, seed))
        labels.append(batch.column(tables.LABEL).to_numpy().astype(np.uint8))
    truth = np.concatenate(labels)
    if len(np.unique(truth)) < _CLASSES:
        raise BadDataError("the validation rows are all of one class", where=str(features), fix="use more rows")
    return Halves(truth, mask_lower_half(np.concatenate(hashes), truth))


def mask_lower_half(hashes: NDArray[np.uint64], labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which rows are in the lower half of the hashes of their label (bool, shape (rows,))."""
    selected = np.zeros(len(hashes), bool)
    for label in np.unique(labels):
        of_label = labels == label
        middle = int(np.count_nonzero(of_label) - 1) // 2
        selected |= of_label & (hashes <= np.partition(hashes[of_label], middle)[middle])
    return selected
