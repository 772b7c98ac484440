"""The distribution of each column and of the cover types in the rows of a run, from its ``profile.json``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from steps.schema import Schema


@dataclass(frozen=True)
class Numeric:
    """The values of a numeric column.

    Attributes:
        upper: The largest value of each bin (float64, ascending, shape (bins,)).
        counts: The number of values of each bin (int64, shape (bins,)).
        missing: The number of missing values.
    """

    upper: NDArray[np.float64]
    counts: NDArray[np.int64]
    missing: int


@dataclass(frozen=True)
class Categorical:
    """The values of a categorical column.

    Attributes:
        values: The values of the schema in order.
        counts: The number of rows of each value (int64, shape (values,)).
        missing: The number of missing values.
    """

    values: tuple[str, ...]
    counts: NDArray[np.int64]
    missing: int


@dataclass(frozen=True)
class Reference:
    """The rows of a run.

    Attributes:
        columns: The columns by name.
        slugs: The cover types.
        cover_types: The number of rows of each cover type (int64, shape (cover types,)).
    """

    columns: dict[str, Numeric | Categorical]
    slugs: tuple[str, ...]
    cover_types: NDArray[np.int64]


def from_profile(profile: Mapping[str, Any], schema: Schema) -> Reference | None:
    """Return the distributions in the content of ``profile.json``, None if an earlier version wrote it without them."""
    try:
        columns = {
            column.name: _column(profile["columns"][column.name], column.values, categorical=column.categorical)
            for column in schema.columns
        }
        counts = np.array([int(profile["cover_types"][slug]) for slug in schema.slugs], np.int64)
    except (KeyError, TypeError, ValueError):
        return None
    return Reference(columns, schema.slugs, counts)


def _column(entry: Mapping[str, Any], values: tuple[str, ...], *, categorical: bool) -> Numeric | Categorical:
    missing = int(entry["missing"])
    if categorical:
        return Categorical(values, np.array([entry["counts"][value] for value in values], np.int64), missing)
    found = entry["distribution"]
    upper, counts = np.array(found["upper"], np.float64), np.array(found["rows"], np.int64)
    if upper.shape != counts.shape or np.any(np.diff(upper) <= 0):
        raise ValueError("not a distribution")
    return Numeric(upper, counts, missing)
