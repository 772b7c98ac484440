"""The scikit-learn transformer from canonical columns to features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from steps.schema import Schema

    Floats = NDArray[np.float32]

PLAIN, DERIVED = "plain", "derived"


def _ratio(a: Floats, b: Floats) -> Floats:
    """Return a / b, 0 for a zero b, and NaN for a NaN in a or b, without a warning of NumPy's."""
    return np.divide(a, b, out=np.where(np.isnan(a), a, np.float32(0)), where=b != 0)


_COMPUTE: dict[str, Callable[..., Any]] = {
    "sum": np.add,
    "difference": np.subtract,
    "absolute_difference": lambda a, b: np.abs(a - b),
    "hypot": np.hypot,
    "product": np.multiply,
    "ratio": _ratio,
    "mean": lambda *columns: sum(columns) / np.float32(len(columns)),
    "sine": lambda a: np.sin(np.deg2rad(a)),
    "cosine": lambda a: np.cos(np.deg2rad(a)),
}


class FeatureTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Keeps numeric columns, encodes categories as ordinal codes, and appends derived features.

    Fitting learns which categories occur in the training rows. The code of a category is its rank among those, in the
    order of ``categories``. A category that does not occur in the training rows has the code -1. A missing value stays
    missing, and so does a feature that is derived from it. Rows are independent, so a table can be transformed in
    pieces.

    Args:
        numeric: The names of the numeric columns.
        categories: The values of each categorical column by name, in a meaningful order.
        derived: The features to append, each ``{"name": ..., "operation": ..., "of": [columns]}``.
    """

    def __init__(
        self,
        numeric: Sequence[str] = (),
        categories: Mapping[str, Sequence[str]] | None = None,
        derived: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.numeric = numeric
        self.categories = categories
        self.derived = derived

    def fit(self, table: pd.DataFrame, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Learn the categories of ``table``, and forget those of earlier calls."""
        self.seen_: dict[str, list[str]] = {name: [] for name in self.categories or {}}
        return self.partial_fit(table)

    def partial_fit(self, table: pd.DataFrame, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Learn the categories of ``table`` in addition to those of earlier calls."""
        if not hasattr(self, "seen_"):
            self.seen_ = {name: [] for name in self.categories or {}}
        for name, values in (self.categories or {}).items():
            present = {*self.seen_[name], *table[name].unique()}
            self.seen_[name] = [value for value in values if value in present]
        return self

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:  # noqa: ARG002 - as above
        """Return the names of the features in the order of the columns of :meth:`transform`."""
        names = [*self.numeric, *(self.categories or {}), *(feature["name"] for feature in self.derived)]
        return np.array(names, dtype=object)

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the features of ``table``: numeric columns unchanged, codes as integers, derived features as float32.

        Codes are int16, or int32 for a column with more categories than int16 can number. If a category is missing,
        they are pandas' nullable integers of the same width.

        Raises:
            OverflowError: A derived feature is too large for float32. The message names it.
        """
        check_is_fitted(self, "seen_")
        columns: dict[str, Any] = {name: to_array(table[name]) for name in self.numeric}
        for name, values in self.seen_.items():
            columns[name] = _codes(table[name], values, _code_dtype(len((self.categories or {})[name])))
        floats = {name: _to_float32(table[name]) for feature in self.derived for name in feature["of"]}
        columns |= derive(self.derived, floats)
        return pd.DataFrame(columns, copy=False)


def derive(derived: Sequence[Mapping[str, Any]], columns: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return derived features by name.

    Args:
        derived: The features, as for :class:`FeatureTransformer`.
        columns: The columns that they are derived from: float32, shape (rows,), with NaN for a missing value.

    Raises:
        OverflowError: A derived feature is too large for float32. The message names it.
    """
    found = {}
    for feature in derived:
        with np.errstate(over="ignore"):
            computed = _COMPUTE[feature["operation"]](*(columns[name] for name in feature["of"])).astype(np.float32)
        if np.isinf(computed).any():
            raise OverflowError(f"derived feature {feature['name']!r} is too large for float32")
        found[feature["name"]] = computed
    return found


def to_array(column: pd.Series[Any]) -> Any:  # noqa: ANN401 - an array of NumPy or of pandas
    """Return a column of numbers as a NumPy array, or as an array of pandas if its dtype is nullable."""
    return column.to_numpy() if isinstance(column.dtype, np.dtype) else column.array


def _to_float32(column: pd.Series[Any]) -> Floats:
    """Return a numeric column as float32, with NaN for a missing value."""
    if isinstance(column.dtype, np.dtype):
        return column.to_numpy().astype(np.float32)
    return np.asarray(column.to_numpy(dtype=np.float32, na_value=np.nan))


def _code_dtype(values: int) -> type[np.signedinteger[Any]]:
    return np.int16 if values <= np.iinfo(np.int16).max else np.int32


def _codes(column: pd.Series[Any], values: Sequence[str], dtype: type[np.signedinteger[Any]]) -> Any:  # noqa: ANN401 - as above
    """Return the position of each value in ``values``, -1 for an unknown value, and pandas' NA for a missing one."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        ranks = pd.Index(values, dtype=str).get_indexer(pd.Index(column.cat.categories, dtype=str))
        missing = column.cat.codes.to_numpy() < 0
        codes = np.append(ranks, -1)[column.cat.codes.to_numpy()].astype(dtype)
    else:
        missing = column.isna().to_numpy()
        codes = pd.Index(values, dtype=str).get_indexer(pd.Index(column, dtype=str)).astype(dtype)
    return pd.arrays.IntegerArray(codes, missing) if missing.any() else codes


def make_transformer(schema: Schema, feature_set: str) -> FeatureTransformer:
    """Return an unfitted transformer for a schema.

    Args:
        schema: The schema of the source.
        feature_set: ``derived`` for the schema's derived features too, ``plain`` for its columns only.
    """
    derived = schema.derived if feature_set == DERIVED else ()
    return FeatureTransformer(
        numeric=list(schema.numeric),
        categories={name: list(schema.column(name).values) for name in schema.categorical},
        derived=[{"name": f.name, "operation": f.operation, "of": list(f.of)} for f in derived],
    )
