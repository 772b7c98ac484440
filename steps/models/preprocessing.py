"""Fit the feature transformer on the training rows, and make the three feature tables with it."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from steps import tables
from steps.core.errors import BadDataError
from steps.models.features import FeatureTransformer, make_transformer, to_array
from steps.schema.dtypes import INTEGER_DTYPES

if TYPE_CHECKING:
    from collections.abc import Mapping


# pandas' integers that may be missing, by Arrow's.
_NULLABLE = {
    pa.type_for_alias(name): pd.api.types.pandas_dtype(name.replace("i", "I").replace("u", "U"))
    for name in INTEGER_DTYPES
}


class FeatureSet(enum.StrEnum):
    """Which features to make; ``preset`` takes the preset's."""

    PRESET = "preset"
    PLAIN = "plain"
    DERIVED = "derived"


def fit(train: Path, feature_set: str) -> FeatureTransformer:
    """Return a transformer fitted on the rows of ``train``, and on nothing else."""
    metadata = tables.read_metadata(train)
    transformer = make_transformer(metadata.schema, feature_set)
    for batch in tables.read_batches(train, [*metadata.schema.categorical]) if metadata.schema.categorical else ():
        transformer.partial_fit(batch.to_pandas())
    if not metadata.schema.categorical:
        transformer.partial_fit(pa.table({}).to_pandas())
    return transformer


def transform(transformer: FeatureTransformer, source: Path, target: Path) -> int:
    """Write the features, label and row id of ``source``'s rows to ``target``; return the number of rows."""
    metadata = tables.read_metadata(source)
    features = tuple(str(name) for name in transformer.get_feature_names_out())
    described = tables.Metadata(metadata.schema, metadata.cover_type, metadata.data_sha256, features)
    columns = [column.name for column in metadata.schema.columns]
    with tables.open_parquet(source) as file:
        empty = pa.RecordBatch.from_pylist([], schema=file.schema_arrow)
    with tables.open_writer(target, _features(transformer, empty, columns).schema, described) as writer:
        for batch in tables.read_batches(source):
            try:
                features = _features(transformer, batch, columns)
            except OverflowError as error:
                fix = "leave it out of the schema, or use --set preprocess.feature-set=plain"
                raise BadDataError(str(error), where=source.name, fix=fix) from None
            writer.write(features)
    return writer.rows


def _to_pandas(batch: pa.RecordBatch) -> pd.DataFrame:
    """Return a batch as a data frame; integers stay integers where some are missing, as float64 would round them."""
    holed = {values.type for values in batch.columns if values.null_count}
    nullable = {kind: dtype for kind, dtype in _NULLABLE.items() if kind in holed}
    frame: pd.DataFrame = batch.to_pandas(types_mapper=nullable.get)
    return frame


def _features(transformer: FeatureTransformer, batch: pa.RecordBatch, columns: list[str]) -> pa.RecordBatch:
    features = transformer.transform(_to_pandas(batch.select(columns)))
    made = {name: pa.array(to_array(features[name])) for name in features.columns}
    return pa.RecordBatch.from_pydict({**made, **{name: batch.column(name) for name in (tables.LABEL, tables.ROW)}})


def preprocess(
    inputs: Mapping[str, Path], outputs: Mapping[str, Path], feature_set: str
) -> tuple[FeatureTransformer, int]:
    """Fit on ``inputs["train"]``, transform every input to the output of its name; return the transformer and rows."""
    transformer = fit(inputs["train"], feature_set)
    rows = sum(transform(transformer, inputs[name], outputs[name]) for name in tables.SPLITS)
    return transformer, rows
