"""Fit the feature transformer on the training rows, and write the three feature tables with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from steps import tables
from steps.core.errors import BadDataError
from steps.models.features import FeatureTransformer, make_transformer

if TYPE_CHECKING:
    from collections.abc import Mapping


def fit(train: Path, feature_set: str) -> FeatureTransformer:
    """Return a transformer that was fitted on the rows of the dataset ``train``.

    Args:
        train: The dataset of the training rows.
        feature_set: ``plain`` or ``derived``.
    """
    metadata = tables.read_metadata(train)
    transformer = make_transformer(metadata.schema, feature_set)
    for batch in tables.read_batches(train, [*metadata.schema.categorical]) if metadata.schema.categorical else ():
        transformer.partial_fit(batch.to_pandas())
    if not metadata.schema.categorical:
        transformer.partial_fit(pa.table({}).to_pandas())
    return transformer


def transform(transformer: FeatureTransformer, source: Path, target: Path) -> int:
    """Write the features, label and row id of a dataset's rows, and return the number of rows.

    Args:
        transformer: The fitted transformer.
        source: The dataset.
        target: The feature table to write.

    Raises:
        BadDataError: A derived feature is too large for float32.
    """
    metadata = tables.read_metadata(source)
    features = tuple(str(name) for name in transformer.get_feature_names_out())
    described = tables.Metadata(metadata.schema, metadata.cover_type, metadata.data_sha256, features)
    columns = [column.name for column in metadata.schema.columns]
    with tables.open_parquet(source) as file:
        empty = pa.RecordBatch.from_pylist([], schema=file.schema_arrow)
    with tables.open_writer(target, _transform_batch(transformer, empty, columns).schema, described) as writer:
        for batch in tables.read_batches(source):
            try:
                features = _transform_batch(transformer, batch, columns)
            except OverflowError as error:
                fix = "leave it out of the schema, or use --set preprocess.feature-set=plain"
                raise BadDataError(str(error), where=source.name, fix=fix) from None
            writer.write(features)
    return writer.rows


def _transform_batch(transformer: FeatureTransformer, batch: pa.RecordBatch, columns: list[str]) -> pa.RecordBatch:
    features = transformer.columns.compute({name: batch.column(name) for name in columns})
    return pa.RecordBatch.from_pydict({**features, **{name: batch.column(name) for name in (tables.LABEL, tables.ROW)}})


def preprocess(
    inputs: Mapping[str, Path], outputs: Mapping[str, Path], feature_set: str
) -> tuple[FeatureTransformer, int]:
    """Fit the transformer on the training rows, and write the three feature tables.

    Args:
        inputs: The datasets ``train``, ``validation`` and ``test``.
        outputs: The feature table to write for each of them.
        feature_set: ``plain`` or ``derived``.

    Returns:
        The fitted transformer, and the number of rows of all tables.
    """
    transformer = fit(inputs["train"], feature_set)
    rows = sum(transform(transformer, inputs[name], outputs[name]) for name in tables.SPLITS)
    return transformer, rows
