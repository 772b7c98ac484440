"""Compute the features of rows from one array of their values: the arithmetic of ``steps.bundles`` in few calls.

A call of NumPy costs a microsecond, which is as much as the trees of a row. Derived features with the same operation
are therefore computed by one call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from steps.bundles.columns import COMPUTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from steps.bundles import FeatureColumns
    from steps.schema import Schema


class FeatureEncoder:
    """Computes the features of one group of models.

    Args:
        schema: The schema of the table.
        columns: The computation of the features.
        features: The names of the features in the order of the models.
    """

    def __init__(self, schema: Schema, columns: FeatureColumns, features: Sequence[str]) -> None:
        self._columns = columns
        self._names = [column.name for column in schema.columns]
        self._codes = [
            (at, codes)
            for at, column in enumerate(schema.columns)
            if column.categorical and (codes := _codes(column.values, columns.seen[column.name])) is not None
        ]
        groups: dict[tuple[str, int], list[Any]] = {}
        for feature in columns.derived:
            groups.setdefault((feature["operation"], len(feature["of"])), []).append(feature)
        self._operations = [
            (COMPUTE[operation], [[self._names.index(each["of"][i]) for each in group] for i in range(count)])
            for (operation, count), group in groups.items()
        ]
        known = [*self._names, *(feature["name"] for group in groups.values() for feature in group)]
        self._order = [known.index(name) for name in features]
        self._ordered = self._order == list(range(len(known)))

    def encode(self, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the features as ``Ensemble.features`` does: float32 in C order, shape (rows, features).

        Args:
            table: The values, float32, shape (columns of the schema, rows): numbers, and for a category its position
                among the names of the schema. NaN for a missing value. No value is infinite.

        Raises:
            OverflowError: A derived feature is too large for float32. The message names it.
        """
        if self._codes:
            table = table.copy()
            for at, codes in self._codes:
                missing = np.isnan(table[at])
                table[at] = codes[np.where(missing, len(codes) - 1, table[at]).astype(np.intp)]
        parts = [table]
        with np.errstate(over="ignore"):
            parts += [
                operation(*(table[rows] for rows in arguments)).astype(np.float32, copy=False)
                for operation, arguments in self._operations
            ]
        every = np.concatenate(parts)
        if np.isinf(every).any():
            self._columns.derive(dict(zip(self._names, table, strict=True)))  # names the feature
        return np.ascontiguousarray((every if self._ordered else every[self._order]).T)


def _codes(values: Sequence[str], seen: Sequence[str]) -> NDArray[np.float32] | None:
    """Return the code of each category by its position, and NaN behind them; None if the code is the position."""
    codes = [float(seen.index(value)) if value in seen else -1.0 for value in values]
    return None if codes == list(range(len(codes))) else np.array([*codes, np.nan], np.float32)
