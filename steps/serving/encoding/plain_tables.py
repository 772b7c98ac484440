"""The short way from tables to features, for tables in which every value is stored as its column needs it.

A column of Arrow is a buffer that NumPy reads without a copy, so that no Python code runs for a row. The short way
takes complete columns of integers, floats and strings with the names of the schema. Whatever has missing values, other
columns, other spellings or mistakes takes the way of ``predict``, which accepts it or says what is wrong. Both ways
give the same bits where both give a result.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from steps.datasets.canonical import value_limits
from steps.serving.encoding.feature_encoder import FeatureEncoder
from steps.tables import arrow_stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steps.prediction.models import Ensemble
    from steps.schema import Column

# Arrow takes 0x10 for 16.
_HEXADECIMAL = re.compile(rb"0[xX]")


class PlainTables:
    """Computes the features of tables.

    Args:
        ensemble: The models.
    """

    def __init__(self, ensemble: Ensemble) -> None:
        schema = ensemble.schema
        self._columns = [_Column(column) for column in schema.columns]
        self._names = frozenset(column.name for column in schema.columns)
        self._encoders = [FeatureEncoder(schema, group.columns, group.features) for group in ensemble.groups]
        self._csv_types = {column.name: _csv_type(column) for column in schema.columns}

    def features(self, batch: pa.RecordBatch) -> list[NDArray[np.float32]] | None:
        """Return the features of rows for each group of models, as ``Ensemble.features`` does.

        Args:
            batch: The rows, whose offsets and indices are valid.

        Returns:
            float32 in C order, shape (rows, features), for each group; None if the rows must take the other way.

        Raises:
            OverflowError: A derived feature is too large for float32.
        """
        names = batch.schema.names
        if not batch.num_rows or len(names) != len(self._names) or self._names != set(names):
            return None
        table = np.empty((len(self._columns), batch.num_rows), np.float32)
        for column, out in zip(self._columns, table, strict=True):
            if not column.fill(out, batch.column(column.name)):
                return None
        return [encoder.encode(table) for encoder in self._encoders]

    def read_arrow(self, body: bytes, most_rows: int) -> pa.RecordBatch | None:
        """Return the rows of a stream of Arrow with one batch; None if it must take the other way."""
        try:
            batches = arrow_stream.read(body)
            batch = next(batches, None)
            plain = batch is not None and batch.num_rows <= most_rows and next(batches, None) is None
        except (arrow_stream.BadStreamError, pa.ArrowException, OSError, ValueError):
            return None
        return batch if plain else None

    def read_csv(self, body: bytes) -> pa.RecordBatch | None:
        """Return the rows of a CSV body with the header of the schema; None if it must take the other way."""
        head = body[: max(body.find(b"\n"), 0)].decode("utf-8", "replace")
        try:
            names = next(csv.reader([head.rstrip("\r")]), [])
        except csv.Error:  # a long line, or one that ends with \r alone
            return None
        if len(names) != len(self._names) or self._names != set(names) or _HEXADECIMAL.search(body):
            return None
        read = pa.csv.ReadOptions(use_threads=False, block_size=len(body), column_names=names, skip_rows=1)
        convert = pa.csv.ConvertOptions(column_types=self._csv_types, null_values=[], strings_can_be_null=False)
        try:
            table = pa.csv.read_csv(pa.BufferReader(body), read, pa.csv.ParseOptions(newlines_in_values=True), convert)
        except pa.ArrowException:
            return None
        batches: list[pa.RecordBatch] = table.to_batches()
        return batches[0] if len(batches) == 1 else None


def _csv_type(column: Column) -> pa.DataType:
    if column.categorical:
        return pa.dictionary(pa.int32(), pa.string())
    return pa.float64() if column.dtype.startswith("float") else pa.int64()


class _Column:
    """Reads the values of a column of the schema."""

    def __init__(self, column: Column) -> None:
        self.name, self._dtype = column.name, column.dtype
        if column.categorical:
            names = pa.array(column.values, pa.string())
            self._names = {kind: names.cast(kind) for kind in (pa.string(), pa.large_string())}
            self.fill = self._fill_categories
            return
        self._low, self._high = value_limits(column)
        self._whole = not column.dtype.startswith("float")
        self.fill = self._fill_numbers

    def _fill_numbers(self, out: NDArray[np.float32], values: pa.Array) -> bool:
        """Write the numbers of a column to ``out`` (float32, shape (rows,)); False if they take the other way."""
        floating = pa.types.is_float32(values.type) or pa.types.is_float64(values.type)
        if values.null_count or not (floating or pa.types.is_integer(values.type)):
            return False
        numbers = values.to_numpy()
        # Compared as numbers of Python, which is exact: NumPy would round the limits to the dtype. Not true for NaN.
        if not self._low <= numbers.min().item() <= numbers.max().item() <= self._high:
            return False
        if self._whole and floating and (numbers != np.trunc(numbers)).any():
            return False
        out[:] = numbers.astype(self._dtype, copy=False)
        return True

    def _fill_categories(self, out: NDArray[np.float32], values: pa.Array) -> bool:
        """Write the position of each category among the names of the schema to ``out``, as :meth:`_fill_numbers`."""
        encoded = pa.types.is_dictionary(values.type)
        texts = values.dictionary if encoded else values
        names = self._names.get(texts.type)
        if values.null_count or names is None:
            return False
        found = pc.index_in(texts, names)
        if found.null_count:
            return False
        positions = found.to_numpy()
        out[:] = positions[values.indices.to_numpy()] if encoded else positions
        return True
