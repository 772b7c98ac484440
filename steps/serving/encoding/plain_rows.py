"""The fast path from JSON to features, for rows or columns in which every value is written as its column is stored.

msgspec parses and checks them at once: whole numbers in their range, and categories by their names. Whatever is
written in another way (``3.0`` for a whole number, a one-hot column, a column that the schema lacks) or is wrong takes
the way of ``predict``, which accepts it or says what is wrong. Both ways give the same bits where both give a result.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import numpy as np

from steps.datasets.canonical import value_limits
from steps.serving.encoding.feature_encoder import FeatureEncoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from steps.prediction.models import Ensemble
    from steps.schema import Column

# Whole numbers up to this one are exact as float32.
_LARGEST_EXACT = 2**24
_LARGEST_FLOAT = float(np.finfo(np.float32).max)
# Characters that msgspec refuses in the name of a field, because JSON escapes them.
_ESCAPED = re.compile(r'["\\\x00-\x1f]')
# For so many rows one array of all columns is made faster than an array of each.
_FEW = 16


class PlainRows:
    """Decodes JSON rows or columns and computes their features.

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
            types = {column.name: _value_type(column) for column in schema.columns}
            row = _record_type(types, schema.target)
            lists = {name: list[kind] for name, kind in types.items()}  # type: ignore[valid-type]
            self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(row | list[row])  # type: ignore[valid-type]
            self._columns_decoder = msgspec.json.Decoder(_record_type(lists, schema.target))
            self._encoders = [FeatureEncoder(schema, group.columns, group.features) for group in ensemble.groups]
            self._positions: list[tuple[int, dict[str | None, float]]] = [
                (at, {None: np.nan} | {value: i for i, value in enumerate(column.values)})
                for at, column in enumerate(schema.columns)
                if column.categorical
            ]
            self._codes = ["d" if column.dtype.startswith("float") else "i" for column in schema.columns]

    def decode(self, body: bytes) -> list[Any]:
        """Return the rows of a body, which is an object or an array of objects.

        Raises:
            msgspec.DecodeError: The body has other rows. The other way must decide about them.
            RecursionError: It is too deep.
        """
        rows = self._decoder.decode(body)
        return rows if isinstance(rows, list) else [rows]

    def decode_columns(self, body: bytes) -> list[list[Any]]:
        """Return the columns of a body, which is an object with a list for each column. All have the same length.

        Raises:
            msgspec.DecodeError: The body has other columns. The other way must decide about them.
            RecursionError: It is too deep.
        """
        columns: list[Any] = list(msgspec.structs.astuple(self._columns_decoder.decode(body)))[:-1]
        if len(set(map(len, columns))) > 1:
            raise msgspec.ValidationError("the columns have different lengths")
        return columns

    def read_rows(self, body: bytes) -> list[Any] | None:
        """Return the rows of a body as :meth:`decode` does; None if they must take the other way."""
        return self._read(self.decode, body)

    def read_columns(self, body: bytes) -> list[list[Any]] | None:
        """Return the columns of a body as :meth:`decode_columns` does; None if they must take the other way."""
        columns = self._read(self.decode_columns, body)
        return columns if columns and columns[0] else None

    def _read(self, decode: Callable[[bytes], list[Any]], body: bytes) -> list[Any] | None:
        if not self.possible:
            return None
        try:
            return decode(body) or None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def features(self, rows: Sequence[Any]) -> list[NDArray[np.float32]]:
        """Return the features of rows for each group of models, as ``Ensemble.features`` does.

        Args:
            rows: Rows that :meth:`decode` returned, at least one.

        Raises:
            OverflowError: A derived feature is too large for float32.
        """
        return self.column_features(list(zip(*map(msgspec.structs.astuple, rows), strict=True))[:-1])

    def column_features(self, columns: Sequence[Sequence[Any]]) -> list[NDArray[np.float32]]:
        """Return the features of columns that :meth:`decode_columns` returned, as :meth:`features` does."""
        numbers = list(columns)
        for at, positions in self._positions:
            numbers[at] = list(map(positions.__getitem__, numbers[at]))
        if len(numbers[0]) <= _FEW:
            table = np.array(numbers, np.float64).astype(np.float32)
        else:
            table = np.empty((len(numbers), len(numbers[0])), np.float32)
            for out, values, code in zip(table, numbers, self._codes, strict=True):
                out[:] = _to_array(values, code)
        return [encoder.encode(table) for encoder in self._encoders]


def _to_array(values: Sequence[float | None], code: str) -> NDArray[Any]:
    """Return numbers as an array of the type with a code of ``struct``, or as float64 with NaN for None."""
    try:  # NumPy would look at the type of each number, which takes four times as long
        return np.frombuffer(struct.pack(f"{len(values)}{code}", *values), code)
    except struct.error:
        return np.array(values, np.float64)


def _is_possible(column: Column) -> bool:
    """Return whether every value of a column is a float32, or is rounded to one once."""
    if column.categorical:
        return True
    low, high = value_limits(column)
    limit = _LARGEST_FLOAT if column.dtype.startswith("float") else _LARGEST_EXACT
    return -limit <= low and high <= limit


def _record_type(types: dict[str, Any], label: str) -> type[msgspec.Struct]:
    """Return the type of an object of values or lists. Labels are allowed and ignored, as ``predict`` ignores them."""
    fields: list[Any] = [(f"c{i}", kind, msgspec.field(name=name)) for i, (name, kind) in enumerate(types.items())]
    fields.append(("label", Any, msgspec.field(name=label, default=None)))
    return msgspec.defstruct("Record", fields, forbid_unknown_fields=True, gc=False)


def _value_type(column: Column) -> Any:  # noqa: ANN401 - a type
    if column.categorical:
        return Literal[tuple(column.values)] | None
    low, high = value_limits(column)
    kind = float if column.dtype.startswith("float") else int
    return Annotated[kind, msgspec.Meta(ge=low, le=high)] | None
