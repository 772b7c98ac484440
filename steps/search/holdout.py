"""The two halves of the validation rows in a search: one chooses the best trial, the other judges it.

A trial that is the best of many on some rows is partly the best by chance there, so its gain on the same rows is too
large. The held-out half has no part in any choice of the search: not in pruning, early stopping, the sampler's points
or the best trial.
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

_KINDS = 2


class Parts(NamedTuple):
    """Values of the rows that choose, and of the held-out rows, each of shape (rows,)."""

    selection: NDArray[Any]
    held_out: NDArray[Any]


@dataclass(frozen=True)
class Halves:
    """The validation rows' ``labels`` (0 or 1, uint8), and which rows choose (``selection``, bool): shape (rows,)."""

    labels: NDArray[np.uint8]
    selection: NDArray[np.bool_]

    def parts(self, values: NDArray[Any]) -> Parts:
        """Return the values of the rows that choose, and those of the held-out rows."""
        return Parts(values[self.selection], values[~self.selection])


def read(features: Path, seed: int) -> Halves:
    """Read the labels of a feature table and divide its rows.

    Half of the positive and half of the negative rows choose, those with the lower hashes of their feature values.
    Equal rows are therefore in one half. Of an odd number, the row in the middle chooses.

    Args:
        features: a feature table, from preprocess.
        seed: another seed gives other halves.

    Raises:
        BadDataError: the rows are all positive or all negative.
    """
    names = tables.read_metadata(features).features
    hashes, labels = [np.empty(0, np.uint64)], [np.empty(0, np.uint8)]
    for batch in tables.read_batches(features, [*names, tables.LABEL]):
        hashes.append(hashing.hash_rows([batch.column(name) for name in names], batch.num_rows, seed))
        labels.append(batch.column(tables.LABEL).to_numpy().astype(np.uint8))
    truth = np.concatenate(labels)
    if len(np.unique(truth)) < _KINDS:
        raise BadDataError("the validation rows are all of one kind", where=str(features), fix="take more rows")
    return Halves(truth, lower_half(np.concatenate(hashes), truth))


def lower_half(hashes: NDArray[np.uint64], labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which rows have the lower half of the hashes among the rows of their label, bool of shape (rows,)."""
    chosen = np.zeros(len(hashes), bool)
    for label in np.unique(labels):
        alike = labels == label
        middle = (np.count_nonzero(alike) - 1) // 2
        chosen |= alike & (hashes <= np.partition(hashes[alike], middle)[middle])
    return chosen
