"""Compute statistics of a table in one pass: ranges, means, category counts, and a digest of the canonical values."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steps.datasets.frequencies import FrequencyTable
from steps.schema.dtypes import INTEGER_DTYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steps.schema import Column, Schema


class Profile:
    """Statistics of a table, accumulated batch by batch.

    They do not depend on how the rows are cut into batches, except that the sixth decimal of the mean of a float column
    may differ. Minimum, maximum, mean and counts are those of the values that are not missing.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._digest = hashlib.sha256()
        self._rows = 0
        self._missing = {column.name: 0 for column in schema.columns}
        self._low: dict[str, float] = {}
        self._high: dict[str, float] = {}
        self._sum: dict[str, float] = dict.fromkeys(schema.numeric, 0.0)
        self._frequencies = {name: FrequencyTable() for name in schema.numeric}
        self._counts = {name: np.zeros(len(schema.column(name).values), np.int64) for name in schema.categorical}
        self._classes = np.zeros(len(schema.cover_types), np.int64)

    def add(self, arrays: Sequence[pa.Array], codes: np.ndarray[Any, np.dtype[np.int16]]) -> None:
        """Add a batch.

        Args:
            arrays: The canonical columns in the order of the schema, null for a missing value.
            codes: The position of each row's label among the cover types (int16, shape (rows,)).
        """
        if not len(codes):
            return
        self._rows += len(codes)
        self._classes += np.bincount(codes, minlength=len(self._classes))
        words = np.empty((len(codes), len(arrays) + 1), "<f8")
        words[:, -1] = codes
        for i, (column, values) in enumerate(zip(self._schema.columns, arrays, strict=True)):
            numbers = values.indices if column.categorical else values
            words[:, i] = numbers.fill_null(0).to_numpy(zero_copy_only=False)
            if numbers.null_count:
                self._missing[column.name] += numbers.null_count
                words[numbers.is_null().to_numpy(zero_copy_only=False), i] = np.nan
            self._add_column(column, numbers.drop_null() if numbers.null_count else numbers)
        words += 0.0  # -0.0 becomes 0.0, so that equal values have equal digests
        self._digest.update(words.tobytes())

    def _add_column(self, column: Column, present: pa.Array) -> None:
        """Add the values of a column that are not missing. The values of a category are positions."""
        name = column.name
        if not len(present):
            return
        if column.categorical:
            self._counts[name] += np.bincount(present.to_numpy(), minlength=len(column.values))
            return
        ends = pc.min_max(present).as_py()
        self._low[name] = min(ends["min"], self._low.get(name, ends["min"]))
        self._high[name] = max(ends["max"], self._high.get(name, ends["max"]))
        values = present.to_numpy()
        self._sum[name] += float(values.sum(dtype=np.float64))
        self._frequencies[name].add(values)

    @property
    def data_sha256(self) -> str:
        """SHA-256 of the rows in order, each value as a little-endian float64.

        Categories and classes are positions. A missing value is NaN.
        """
        return self._digest.hexdigest()

    def class_counts(self) -> dict[str, int]:
        """Return the number of rows of each cover type by slug."""
        return dict(zip(self._schema.slugs, self._classes.tolist(), strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Return ``rows data_sha256 cover_types columns`` as plain JSON values."""
        return {
            "rows": self._rows,
            "data_sha256": self.data_sha256,
            "cover_types": self.class_counts(),
            "columns": {column.name: self._column_statistics(column.name) for column in self._schema.columns},
        }

    def _column_statistics(self, name: str) -> dict[str, Any]:
        column, missing = self._schema.column(name), self._missing[name]
        if column.categorical:
            counts = dict(zip(column.values, self._counts[name].tolist(), strict=True))
            return {"dtype": column.dtype, "missing": missing, "counts": counts}
        present = self._rows - missing
        return {
            "dtype": column.dtype,
            "missing": missing,
            "minimum": self._low.get(name),
            "maximum": self._high.get(name),
            "mean": round(self._sum[name] / present, 6) if present else None,
            "distribution": self._distribution(name, column.dtype),
        }

    def _distribution(self, name: str, dtype: str) -> dict[str, list[float]]:
        """Return the largest value and the number of rows of each bin, see ``FrequencyTable.summary``."""
        upper, rows = self._frequencies[name].summary()
        return {"upper": (upper.astype(np.int64) if dtype in INTEGER_DTYPES else upper).tolist(), "rows": rows.tolist()}
