"""The scikit-learn transformer from canonical columns to features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from steps.bundles import FeatureColumns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from steps.schema import Schema

PLAIN, DERIVED = "plain", "derived"


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
        columns = self.columns
        arrays = {name: pa.array(table[name], from_pandas=True) for name in columns.sources}
        return pd.DataFrame({name: _to_pandas(values) for name, values in columns.compute(arrays).items()}, copy=False)

    @property
    def columns(self) -> FeatureColumns:
        """The computation of the features, by columns of Arrow."""
        return FeatureColumns(self.numeric, self.categories or {}, self.derived, self.seen_)


def _to_pandas(values: pa.Array) -> Any:  # noqa: ANN401 - an array of NumPy or of pandas
    """Return a column as a NumPy array, or as an array of pandas for integers of which one is missing."""
    if not values.null_count:
        return values.to_numpy(zero_copy_only=False)
    return pd.arrays.IntegerArray(
        values.fill_null(0).to_numpy(zero_copy_only=False), values.is_null().to_numpy(zero_copy_only=False)
    )


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
