"""The short way from JSON rows to features, for rows in which every value is written as its column is stored.

msgspec parses and checks such rows at once: whole numbers in their range, and categories by their names. Whatever is
written in another way (``3.0`` for a whole number, a one-hot column, a column that the schema lacks) or is wrong takes
the way of ``predict``, which accepts it or says what is wrong. Both ways give the same bits where both give a result.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import numpy as np

from steps.datasets.canonical import value_limits
from steps.serving.encoding.feature_encoder import FeatureEncoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from steps.prediction.models import Ensemble
    from steps.schema import Column, Schema

# Whole numbers up to this one are exact as float32.
_LARGEST_EXACT = 2**24
_LARGEST_FLOAT = float(np.finfo(np.float32).max)
# Characters that msgspec refuses in the name of a field, because JSON escapes them.
_ESCAPED = re.compile(r'["\\\x00-\x1f]')
# For so many rows one array of all columns is made faster than an array of each.
_FEW = 16


class PlainRows:
    """Decodes JSON rows and computes their features.

    Args:
        ensemble: The models.

    Attributes:
        possible: Whether the columns of the schema allow it. If not, nothing else may be called.
    """

    def __init__(self, ensemble: Ensemble) -> None:
        schema = ensemble.schema
        names = [schema.target, *(column.name for column in schema.columns)]
        self.possible = all(map(_is_possible, schema.columns)) and not any(map(_ESCAPED.search, names))
        if self.possible:
            row = _row_type(schema)
            self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(row | list[row])  # type: ignore[valid-type]
            self._encoders = [FeatureEncoder(schema, group.columns, group.features) for group in ensemble.groups]
            self._positions: list[tuple[int, dict[str | None, float]]] = [
                (at, {None: np.nan} | {value: float(i) for i, value in enumerate(column.values)})
                for at, column in enumerate(schema.columns)
                if column.categorical
            ]

    def decode(self, body: bytes) -> list[Any]:
        """Return the rows of a body, which is an object or an array of objects.

        Raises:
            msgspec.DecodeError: The body has other rows. The other way must decide about them.
            RecursionError: It is too deep.
        """
        rows = self._decoder.decode(body)
        return rows if isinstance(rows, list) else [rows]

    def features(self, rows: Sequence[Any]) -> list[NDArray[np.float32]]:
        """Return the features of rows for each group of models, as ``Ensemble.features`` does.

        Args:
            rows: Rows that :meth:`decode` returned, at least one.

        Raises:
            OverflowError: A derived feature is too large for float32.
        """
        columns: list[Any] = list(zip(*map(msgspec.structs.astuple, rows), strict=True))[:-1]
        for at, positions in self._positions:
            columns[at] = [positions[value] for value in columns[at]]
        if len(rows) <= _FEW:
            table = np.array(columns, np.float64).astype(np.float32)
        else:
            table = np.empty((len(columns), len(rows)), np.float32)
            for out, values in zip(table, columns, strict=True):
                out[:] = _to_float32(values)
        return [encoder.encode(table) for encoder in self._encoders]


def _to_float32(values: Sequence[float | None]) -> NDArray[np.float32]:
    """Return numbers as float32, with NaN for None."""
    try:
        return np.fromiter(values, np.float32, len(values))  # None is an error
    except TypeError:
        return np.array(values, np.float64).astype(np.float32)


def _is_possible(column: Column) -> bool:
    """Return whether every value of a column is a float32, or is rounded to one once."""
    if column.categorical:
        return True
    low, high = value_limits(column)
    limit = _LARGEST_FLOAT if column.dtype.startswith("float") else _LARGEST_EXACT
    return -limit <= low and high <= limit


def _row_type(schema: Schema) -> type[msgspec.Struct]:
    """Return the type of a row. Labels are allowed and ignored, as ``predict`` ignores them."""
    fields: list[Any] = [
        (f"c{i}", _value_type(column), msgspec.field(name=column.name)) for i, column in enumerate(schema.columns)
    ]
    fields.append(("label", Any, msgspec.field(name=schema.target, default=None)))
    return msgspec.defstruct("Row", fields, forbid_unknown_fields=True, gc=False)


def _value_type(column: Column) -> Any:  # noqa: ANN401 - a type
    if column.categorical:
        return Literal[tuple(column.values)] | None
    low, high = value_limits(column)
    kind = float if column.dtype.startswith("float") else int
    return Annotated[kind, msgspec.Meta(ge=low, le=high)] | None
