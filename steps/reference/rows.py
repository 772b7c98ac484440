"""Read the rows of a reference table: canonical features, labels, and which rows no version was fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from steps.core.errors import BadDataError
from steps.prediction import reading
from steps.prediction.rejects import Rejects, TooManyRejectsError
from steps.tables import fingerprints, labels, slices

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from steps.reference.fitted_rows import FittedRows
    from steps.schema import Schema
    from steps.sources.files import Source


@dataclass(frozen=True)
class RowFacts:
    """What a comparison needs to know about rows, beside their scores.

    Attributes:
        positions: The position of each row in the table (int64, shape (rows,)).
        codes: The position of each label among the cover types of the schema (int16, shape (rows,)).
        hashes: The hash of the feature values of each row (uint64, shape (rows,)).
        parts: The position of each row's part of every slice (int16, shape (rows,)), in the order of the slices.
    """

    positions: NDArray[np.int64]
    codes: NDArray[np.int16]
    hashes: NDArray[np.uint64]
    parts: list[NDArray[np.int16]]


@dataclass(frozen=True)
class LabelledRows:
    """Rows of a reference table that the versions are measured on: the canonical feature columns, and their facts."""

    features: pa.RecordBatch
    facts: RowFacts


@dataclass
class Counts:
    """Numbers of rows of a reference table.

    Attributes:
        fitted: Rows that each version was fitted on.
        rows: Rows that were read.
        without_label: Rows without a label.
        left_out: Rows that at least one version was fitted on.
    """

    fitted: list[int]
    rows: int = 0
    without_label: int = 0
    left_out: int = 0


def require_labels(source: Source) -> int:
    """Return the number to add to the labels of a table, see ``labels.find_offset``.

    Raises:
        BadDataError: The table has no labels.
    """
    try:
        offset = reading.label_offset(source, "auto")
    except BadDataError as error:
        if not error.fix or "--first-label" not in error.fix:
            raise
        fix = "give a table with rows of every cover type"
        raise BadDataError(error.what, where=error.where, fix=fix) from None
    if offset is None:
        fix = f"add the labels as column {source.schema.target!r}"
        raise BadDataError("the reference table has no labels", where=source.name, fix=fix)
    return offset


def read_labelled_rows(
    source: Source, offset: int, fitted: Sequence[FittedRows | None], counts: Counts
) -> Iterator[LabelledRows]:
    """Yield the rows with a label that no version was fitted on, batch by batch.

    Args:
        source: The table.
        offset: The result of :func:`require_labels`.
        fitted: The rows that each version was fitted on; None if they are not known.
        counts: Is updated with each batch.

    Raises:
        BadDataError: A row has an unusable value.
    """
    rejects = Rejects(0)
    try:
        for rows in reading.read_rows(source, (), offset, rejects):
            rejects.require_few()
            yield _select(source.schema, rows, fitted, counts)
        rejects.require_few()
    except TooManyRejectsError as error:
        fix = "correct the reference table: a row that is left out would make the comparison another one"
        raise BadDataError(error.what, where=error.where, fix=fix) from None


def _select(schema: Schema, rows: reading.Rows, fitted: Sequence[FittedRows | None], counts: Counts) -> LabelledRows:
    """Return the rows of a batch that are used, and count the others."""
    codes = rows.codes if rows.codes is not None else np.zeros(0, np.int16)
    columns = rows.features.columns
    hashes = fingerprints.hash_features(columns, rows.features.num_rows)
    known = codes != labels.MISSING
    left_out = np.zeros(len(codes), np.bool_)
    for at, each in enumerate(fitted):
        if each is not None:
            own = each.find(columns, hashes) & known
            counts.fitted[at] += int(own.sum())
            left_out |= own
    counts.rows += len(codes)
    counts.without_label += int((~known).sum())
    counts.left_out += int(left_out.sum())
    used = known & ~left_out
    features = rows.features.filter(pa.array(used))
    return LabelledRows(features, RowFacts(rows.positions[used], codes[used], hashes[used], _parts(schema, features)))


def _parts(schema: Schema, features: pa.RecordBatch) -> list[NDArray[np.int16]]:
    codes = {name: features.column(name).indices for name in schema.categorical}
    every = {name: schema.column(name).values for name in schema.categorical}
    if not codes:
        return []
    parts = slices.slice_columns(schema, every, pa.RecordBatch.from_pydict(codes))
    return [part.indices.to_numpy().astype(np.int16) for part in parts]
