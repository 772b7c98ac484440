"""Count rows given as features, in the groups of bins that the PSI compares.

A server has the features of its rows as an array. Counting them costs less than counting the columns in all bins of
the profile, and gives the same PSI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from steps.drift import statistics
from steps.drift.findings import LEAST_ROWS, groups_of, training_bins
from steps.drift.reference import Categorical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from steps.drift.reference import Numeric, Reference
    from steps.drift.statistics import Comparison

# The name of the predicted cover types among the columns. No column has a space in its name.
PREDICTED = "predicted cover type"


@dataclass(frozen=True)
class Groups:
    """The groups of a column's values.

    Attributes:
        names: Their names; the last one is that of missing values, except for predicted cover types.
        training: The number of training rows of each (int64, shape (groups,)).
    """

    names: tuple[str, ...]
    training: NDArray[np.int64]


class GroupCounter:
    """Counts rows by group.

    Args:
        reference: The distribution of the training rows.
        features: The names of the features, in order. Those that are no column of the reference are not counted.
        seen: The categories that each code of a categorical feature stands for. Another category has the code -1.
        complete: Whether there is a model of each cover type. Otherwise predicted cover types are not counted.

    Attributes:
        groups: The groups by column, and under :data:`PREDICTED` the cover types.
        counts: The number of rows of each group (int64, shape (groups,)), by column.
        unseen: The number of rows with a category that the models have not seen, by column.
    """

    def __init__(
        self,
        reference: Reference,
        features: Sequence[str],
        seen: Mapping[str, Sequence[str]],
        *,
        complete: bool,
    ) -> None:
        self.groups: dict[str, Groups] = {}
        self._numeric: list[tuple[str, int, NDArray[np.float64]]] = []
        self._categorical: list[tuple[str, int, NDArray[np.int64]]] = []
        for name, column in reference.columns.items():
            if name not in features:
                continue
            bins, groups = training_bins(column), groups_of(column)
            training = np.array([bins[at].sum() for _, at in groups], np.int64)
            self.groups[name] = Groups(tuple(text for text, _ in groups), training)
            at = features.index(name)
            if isinstance(column, Categorical):
                self._categorical.append((name, at, _groups_of_codes(column, groups, seen[name])))
            else:
                self._numeric.append((name, at, _edges(column, groups)))
        if complete:
            self.groups[PREDICTED] = Groups(reference.slugs, reference.cover_types)
        self.counts = {name: np.zeros(len(each.names), np.int64) for name, each in self.groups.items()}
        self.unseen = {name: 0 for name, _, _ in self._categorical}

    def add(self, features: NDArray[np.float32], predicted: NDArray[np.int64]) -> None:
        """Count rows.

        Args:
            features: The features, float32, shape (rows, features), with NaN for a missing value.
            predicted: The position of each row's predicted cover type among those of the schema, shape (rows,).
        """
        for name, at, edges in self._numeric:
            self._count(name, np.searchsorted(edges, features[:, at].astype(np.float64), side="left"))
        for name, at, groups in self._categorical:
            codes = np.nan_to_num(features[:, at], nan=len(groups) - 2).astype(np.int64)
            self.unseen[name] += int((codes < 0).sum())
            self._count(name, groups[codes + 1])
        if PREDICTED in self.counts:
            self._count(PREDICTED, predicted)

    def _count(self, name: str, groups: NDArray[np.int64]) -> None:
        counts = self.counts[name]
        counts += np.bincount(groups, minlength=len(counts))

    def clear(self) -> None:
        """Begin again with zero rows."""
        for counts in self.counts.values():
            counts[:] = 0
        self.unseen = dict.fromkeys(self.unseen, 0)


def _edges(column: Numeric, groups: list[tuple[str, NDArray[np.int64]]]) -> NDArray[np.float64]:
    """Return the largest value of each group; NaN is behind the last one, where the group of missing values is."""
    return np.array([*(column.upper[at[-1]] for _, at in groups[:-2]), np.inf], np.float64)


def _groups_of_codes(
    column: Categorical, groups: list[tuple[str, NDArray[np.int64]]], seen: Sequence[str]
) -> NDArray[np.int64]:
    """Return the group of the codes -1, 0, 1, ..., and behind them that of missing values.

    The code -1 does not tell which category it was. It is counted as the rarest one that the models have not seen.
    """
    of_value = {column.values[i]: number for number, (_, at) in enumerate(groups[:-1]) for i in at}
    others = [value for value in column.values if value not in seen]
    rarest = min(others, key=lambda value: int(column.counts[column.values.index(value)]), default=None)
    missing = len(groups) - 1
    unknown = missing if rarest is None else of_value[rarest]
    return np.array([unknown, *(of_value[value] for value in seen), missing], np.int64)


def compare(training: NDArray[np.int64], given: NDArray[np.int64]) -> Comparison | None:
    """Compare the numbers of rows by group; None if there are too few rows to say anything.

    Args:
        training: The number of training rows of each group, shape (groups,).
        given: The number of rows that were scored of each group, shape (groups,).
    """
    return None if given.sum() < LEAST_ROWS else statistics.compare(training, given)
