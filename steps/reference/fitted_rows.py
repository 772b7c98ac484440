"""Which rows of a table a version was fitted on: trained, tuned or calibrated.

| the run's rows | a row counts as fitted if |
|---|---|
| split by hash, with known seed and fractions | its fingerprint is in the record, and the split makes it no test row |
| split by hash otherwise | its fingerprint is in the record |
| split by a column of the source | its fingerprint is in the record, which has no test rows |

The split depends on the feature values alone, so it can be repeated for any row. A row that was not among the data of
the run may count as fitted by chance, see ``steps.tables.fingerprints``; a fitted one always does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from steps.datasets.splitting import assign_parts
from steps.options.split import SplitOptions
from steps.tables import SPLITS, fingerprints

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from steps.comparison.reference import VersionFiles
    from steps.tables.fingerprints import Fingerprints

_TEST = SPLITS.index("test")
_OPTIONS = ("seed", "train-fraction", "validation-fraction", "test-fraction")


@dataclass(frozen=True)
class FittedRows:
    """The rows that a version was fitted on.

    Attributes:
        record: The fingerprints of the run's rows.
        splits: The split of each dataset of the run, each kind once; empty if it is not known.
    """

    record: Fingerprints
    splits: tuple[SplitOptions, ...]

    def find(self, columns: Sequence[pa.Array], hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Return which rows the version was fitted on, or may have been (bool, shape (rows,)).

        Args:
            columns: The canonical feature columns.
            hashes: Their hash of each row, see ``fingerprints.hash_features``.
        """
        found = self.record.contain(hashes)
        if self.record.split_given or not self.splits or not found.any():
            return found
        fitted = np.zeros(len(hashes), np.bool_)
        for split in self.splits:
            fitted |= assign_parts(columns, len(hashes), split.seed, split.fractions) != _TEST
        return found & fitted


def read_fitted_rows(version: VersionFiles) -> FittedRows | None:
    """Return the rows that a version was fitted on; None if it has no record of them.

    Raises:
        BadDataError: The record is damaged.
    """
    if version.fingerprints is None:
        return None
    record = fingerprints.read_fingerprints(version.fingerprints)
    return FittedRows(record, find_splits(version.parameters)) if record.complete else None


def find_splits(parameters: Mapping[str, Mapping[str, str]]) -> tuple[SplitOptions, ...]:
    """Return the different options of ``split`` among the options of a run's steps."""
    found = dict[tuple[str, ...], SplitOptions]()
    for options in parameters.values():
        if options.keys() >= set(_OPTIONS):
            texts = tuple(options[name] for name in _OPTIONS)
            seed, *fractions = texts
            train, validation, test = map(float, fractions)
            found[texts] = SplitOptions(
                seed=int(seed), train_fraction=train, validation_fraction=validation, test_fraction=test
            )
    return tuple(found.values())
