"""Split a dataset into train, validation and test by a hash of the feature values and the seed.

The hash does not depend on the label, so the datasets of all cover types are split alike. It depends on the row only,
so a row keeps its part when other rows are added, dropped or reordered, and equal rows are always in the same part.
If the dataset has a ``split`` column, that column decides instead.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from steps import tables
from steps.datasets import part_checks
from steps.datasets.part_checks import Part
from steps.tables import hashing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


def assign_parts(columns: Sequence[pa.Array], rows: int, seed: int, fractions: Sequence[float]) -> NDArray[np.int8]:
    """Return the position of each row's part in ``tables.SPLITS`` (int8, shape (rows,)).

    Args:
        columns: The feature columns, each with ``rows`` values.
        rows: The number of rows.
        seed: The seed of the hash.
        fractions: The expected shares of train, validation and test. They sum to 1.
    """
    positions = hashing.to_fractions(hashing.hash_rows(columns, rows, seed))
    return np.searchsorted(np.cumsum(fractions)[:-1], positions, side="right").astype(np.int8)


def split_dataset(
    dataset: Path, outputs: Mapping[str, Path], *, seed: int, fractions: Sequence[float]
) -> dict[str, Part]:
    """Write the three parts of a dataset, and return the numbers of their rows by name.

    Args:
        dataset: The dataset of one cover type.
        outputs: The file to write for each part by name.
        seed: The seed of the hash.
        fractions: The expected shares of train, validation and test. They sum to 1.

    Raises:
        BadDataError: A part would have no positive or no negative row.
    """
    metadata = tables.read_metadata(dataset)
    features = [column.name for column in metadata.schema.columns]
    with tables.open_parquet(dataset) as file:
        fields = file.schema_arrow.remove_metadata()
    has_split = tables.SPLIT in fields.names
    if has_split:
        fields = fields.remove(fields.get_field_index(tables.SPLIT))
    with ExitStack() as stack:
        writers = [stack.enter_context(tables.open_writer(outputs[name], fields, metadata)) for name in tables.SPLITS]
        positive = [0] * len(writers)
        for batch in tables.read_batches(dataset):
            columns = [batch.column(name) for name in features]
            given = batch.column(tables.SPLIT).to_numpy() if has_split else None
            parts = assign_parts(columns, batch.num_rows, seed, fractions) if given is None else given
            table = batch.select(fields.names)
            for i, writer in enumerate(writers):
                part = table.filter(pa.array(parts == i))
                writer.write(part)
                positive[i] += int(part.column(tables.LABEL).to_numpy().sum())
        pairs = zip(writers, positive, strict=True)
        counts = dict(zip(tables.SPLITS, (Part(writer.rows, count) for writer, count in pairs), strict=True))
        if has_split:
            part_checks.check_given(metadata.cover_type, counts, dataset.name)
        else:
            part_checks.check_hashed(
                metadata.cover_type, counts, seed, dataset.name, lambda label: _count_distinct(dataset, features, label)
            )
    return counts


def _count_distinct(dataset: Path, features: Sequence[str], label: int) -> int:
    """Return the number of distinct feature rows with this label."""
    found: set[int] = set()
    for batch in tables.read_batches(dataset):
        rows = batch.filter(pa.array(batch.column(tables.LABEL).to_numpy() == label))
        found.update(hashing.hash_rows([rows.column(name) for name in features], rows.num_rows, seed=0).tolist())
    return len(found)
