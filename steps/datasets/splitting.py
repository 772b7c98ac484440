"""Split a dataset into train, validation and test by a hash of the feature values and the seed.

The hash never sees the label, so all cover types' datasets are split alike; it is stateless, so a row keeps its part
when rows are added, dropped or reordered, and equal rows are never on both sides. A ``split`` column in the dataset
is honoured instead.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from steps import tables
from steps.core.errors import UsageError
from steps.datasets import part_checks
from steps.datasets.part_checks import Part
from steps.tables import hashing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


_ROUNDING = 1e-9  # of a sum of three decimals


def assign(columns: Sequence[pa.Array], rows: int, seed: int, fractions: Sequence[float]) -> NDArray[np.int8]:
    """Return each row's position in ``tables.SPLITS``, int8 of shape (rows,).

    Args:
        columns: the feature columns, ``rows`` values each.
        rows: the number of rows.
        seed: another seed, another split.
        fractions: expected shares of train, validation and test, which sum to 1.
    """
    where = hashing.to_fractions(hashing.hash_rows(columns, rows, seed))
    return np.searchsorted(np.cumsum(fractions)[:-1], where, side="right").astype(np.int8)


def split(dataset: Path, outputs: Mapping[str, Path], *, seed: int, fractions: Sequence[float]) -> dict[str, Part]:
    """Write the three parts of ``dataset`` to ``outputs`` (split to path) and return what is in each.

    Raises:
        UsageError: the fractions are not positive or do not sum to 1.
        BadDataError: a part would have no positive or no negative row, which no model could learn from or be judged by.
    """
    # Written so that NaN, which compares as false with everything, is refused.
    if not (all(fraction > 0 for fraction in fractions) and abs(sum(fractions) - 1) < _ROUNDING):
        shares = " + ".join(f"{fraction:g}" for fraction in fractions)
        where = "--train-fraction and its sisters"
        raise UsageError(f"the fractions {shares} must be above 0 and sum to 1", where=where)
    metadata = tables.read_metadata(dataset)
    features = [column.name for column in metadata.schema.columns]
    with tables.open_parquet(dataset) as file:
        fields = file.schema_arrow.remove_metadata()
    own = tables.SPLIT in fields.names
    if own:
        fields = fields.remove(fields.get_field_index(tables.SPLIT))
    with ExitStack() as stack:
        writers = [stack.enter_context(tables.open_writer(outputs[name], fields, metadata)) for name in tables.SPLITS]
        positive = [0] * len(writers)
        for batch in tables.read_batches(dataset):
            columns = [batch.column(name) for name in features]
            given = batch.column(tables.SPLIT).to_numpy() if own else None
            parts = assign(columns, batch.num_rows, seed, fractions) if given is None else given
            table = batch.select(fields.names)
            for i, writer in enumerate(writers):
                part = table.filter(pa.array(parts == i))
                writer.write(part)
                positive[i] += int(part.column(tables.LABEL).to_numpy().sum())
        pairs = zip(writers, positive, strict=True)
        counts = dict(zip(tables.SPLITS, (Part(writer.rows, count) for writer, count in pairs), strict=True))
        if own:
            part_checks.check_given(metadata.cover_type, counts, dataset.name)
        else:
            part_checks.check_hashed(
                metadata.cover_type, counts, seed, dataset.name, lambda label: _different(dataset, features, label)
            )
    return counts


def _different(dataset: Path, features: Sequence[str], label: int) -> int:
    """Return how many different feature values the rows with this label have."""
    found: set[int] = set()
    for batch in tables.read_batches(dataset):
        rows = batch.filter(pa.array(batch.column(tables.LABEL).to_numpy() == label))
        found.update(hashing.hash_rows([rows.column(name) for name in features], rows.num_rows, seed=0).tolist())
    return len(found)
