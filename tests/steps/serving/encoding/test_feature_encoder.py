"""Features of one array are those of the columns, bit for bit, for every operation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from steps import schema as schemas
from steps.bundles import FeatureColumns, to_array
from steps.bundles.columns import COMPUTE
from steps.serving.encoding.feature_encoder import FeatureEncoder

SCHEMA = schemas.load(schemas.BUILTIN)
NUMERIC = [column.name for column in SCHEMA.columns if not column.categorical]
CATEGORIES = {column.name: list(column.values) for column in SCHEMA.columns if column.categorical}
ONE = {"sine", "cosine"}


def columns_of(seen: dict[str, list[str]]) -> FeatureColumns:
    derived = [
        {"name": f"{operation}_{i}", "operation": operation, "of": NUMERIC[i : i + (1 if operation in ONE else 2)]}
        for i in range(3)
        for operation in COMPUTE
    ]
    return FeatureColumns(NUMERIC, CATEGORIES, derived, seen)


@pytest.mark.parametrize("rows", [1, 2, 7, 1000])
@pytest.mark.parametrize("seen_step", [1, 2])
def test_features_are_those_of_the_columns(rows: int, seen_step: int) -> None:
    random = np.random.default_rng(rows)
    seen = {name: values if seen_step == 1 else values[::-seen_step] for name, values in CATEGORIES.items()}
    columns = columns_of(seen)
    table = np.empty((len(SCHEMA.columns), rows), np.float32)
    arrays = {}
    for column, out in zip(SCHEMA.columns, table, strict=True):
        values = random.integers(0, len(column.values) if column.categorical else 300, rows)
        missing = random.random(rows) < 0.2
        out[:] = np.where(missing, np.nan, values)
        if column.categorical:
            arrays[column.name] = pa.DictionaryArray.from_arrays(pa.array(values, mask=missing), list(column.values))
        else:
            arrays[column.name] = pa.array(values.astype(np.int16), mask=missing)
    with np.errstate(divide="ignore", invalid="ignore"):
        batch = pa.RecordBatch.from_pydict(columns.compute(arrays))
        names = [*reversed(batch.schema.names)]
        found = FeatureEncoder(SCHEMA, columns, names).encode(table)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    assert np.array_equal(found.view("u4"), to_array(batch, names).view("u4"))


def test_a_feature_that_is_too_large_is_named() -> None:
    columns = replace(columns_of(CATEGORIES), derived=[{"name": "big", "operation": "product", "of": NUMERIC[:2]}])
    encoder = FeatureEncoder(SCHEMA, columns, [*NUMERIC, *CATEGORIES, "big"])
    with pytest.raises(OverflowError, match="'big' is too large"):
        encoder.encode(np.full((len(SCHEMA.columns), 2), 3, np.float32) * np.float32(1e38))
