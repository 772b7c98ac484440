"""Compute features from the canonical columns: numbers unchanged, categories as codes, derived features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


def _ratio(a: Floats, b: Floats) -> Floats:
    """Return a / b, 0 for a zero b, and NaN for a NaN in a or b, without a warning of NumPy's."""
    return np.divide(a, b, out=np.where(np.isnan(a), a, np.float32(0)), where=b != 0)


COMPUTE: dict[str, Callable[..., Any]] = {
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


@dataclass(frozen=True)
class FeatureColumns:
    """What a fitted transformer knows, see :class:`steps.models.features.FeatureTransformer`.

    Attributes:
        numeric: The names of the numeric columns.
        categories: The values of each categorical column by name.
        derived: The derived features, each ``{"name": ..., "operation": ..., "of": [columns]}``.
        seen: Those values of each categorical column that occur in the training rows, in the same order.
    """

    numeric: Sequence[str]
    categories: Mapping[str, Sequence[str]]
    derived: Sequence[Mapping[str, Any]]
    seen: Mapping[str, Sequence[str]]

    @property
    def sources(self) -> list[str]:
        """The names of the columns that the features are computed from."""
        of = (name for feature in self.derived for name in feature["of"])
        return list(dict.fromkeys([*self.numeric, *self.seen, *of]))

    def compute(self, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        """Return the features of rows by name, in the order of the model's inputs.

        Codes are int16, or int32 for a column with more categories than int16 can number, and null for a missing
        category. A missing float is NaN. Rows are independent of each other.

        Args:
            columns: The columns named by :attr:`sources`. A category is a dictionary or a string; a missing value is
                null.

        Raises:
            OverflowError: A derived feature is too large for float32. The message names it.
        """
        result: dict[str, pa.Array] = {name: _with_nan(columns[name]) for name in self.numeric}
        for name, values in self.seen.items():
            result[name] = _codes(columns[name], values, _code_dtype(len(self.categories[name])))
        floats = {name: _to_float32(columns[name]) for feature in self.derived for name in feature["of"]}
        return result | {name: pa.array(values) for name, values in self.derive(floats).items()}

    def derive(self, columns: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return the derived features by name.

        Args:
            columns: The columns that they are derived from: float32, shape (rows,), with NaN for a missing value.

        Raises:
            OverflowError: A derived feature is too large for float32. The message names it.
        """
        found: dict[str, Floats] = {}
        for feature in self.derived:
            with np.errstate(over="ignore"):
                computed = COMPUTE[feature["operation"]](*(columns[name] for name in feature["of"])).astype(np.float32)
            if np.isinf(computed).any():
                raise OverflowError(f"derived feature {feature['name']!r} is too large for float32")
            found[feature["name"]] = computed
        return found


def _with_nan(values: pa.Array) -> pa.Array:
    if values.null_count and pa.types.is_floating(values.type):
        return pc.fill_null(values, pa.scalar(float("nan"), values.type))
    return values


def _to_float32(values: pa.Array) -> Floats:
    """Return numbers as float32, with NaN for a missing value."""
    if not values.null_count:
        return np.asarray(values.to_numpy(zero_copy_only=False).astype(np.float32))
    floats = pc.fill_null(values, pa.scalar(0, values.type)).to_numpy(zero_copy_only=False).astype(np.float32)
    floats[values.is_null().to_numpy(zero_copy_only=False)] = np.nan
    return np.asarray(floats)


def _code_dtype(values: int) -> type[np.signedinteger[Any]]:
    return np.int16 if values <= np.iinfo(np.int16).max else np.int32


def _codes(values: pa.Array, seen: Sequence[str], dtype: type[np.signedinteger[Any]]) -> pa.Array:
    """Return the position of each value in ``seen``, -1 for an unknown value, and null for a missing one."""
    if not pa.types.is_dictionary(values.type):
        values = pc.dictionary_encode(values)
    ranks = {value: rank for rank, value in enumerate(seen)}
    known = np.array([ranks.get(value, -1) for value in values.dictionary.to_pylist()] + [-1], dtype)
    if not values.null_count:
        return pa.array(known[values.indices.to_numpy()])
    missing = values.is_null().to_numpy(zero_copy_only=False)
    return pa.array(known[values.indices.fill_null(0).to_numpy()], mask=missing)
