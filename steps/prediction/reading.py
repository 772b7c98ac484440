"""Read the rows to score as canonical batches, without those that have an unusable value."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from steps.core import runtime
from steps.core.errors import BadDataError, BadRowError, UsageError
from steps.datasets import canonical
from steps.sources import layouts
from steps.tables import labels, spelling

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from steps.prediction.rejects import Rejects
    from steps.schema import Schema
    from steps.sources.files import Source


@dataclass(frozen=True)
class Rows:
    """Rows of the input that can be scored.

    Attributes:
        features: The canonical feature columns, null for a missing value.
        positions: The position of each row in the input (int64, shape (rows,)).
        kept: The columns that are copied to the output.
        codes: The position of each label among the cover types (int16, shape (rows,)), ``labels.MISSING`` for a
            missing one; None if the input has no labels.
    """

    features: pa.RecordBatch
    positions: NDArray[np.int64]
    kept: list[pa.Array]
    codes: NDArray[np.int16] | None


def split_names(text: str) -> tuple[str, ...]:
    """Return the names in a list separated by commas."""
    return tuple(filter(None, (name.strip() for name in text.split(","))))


def kept_columns(source: Source, wanted: str) -> tuple[str, ...]:
    """Return the names of the columns to copy, from a list separated by commas.

    Raises:
        UsageError: A column does not exist, or is named twice.
        BadDataError: The input has it twice.
    """
    names = split_names(wanted)
    present = source.files[0].names
    for name in names:
        if name not in present:
            near = spelling.nearest_name(name, present)
            fix = f"write it as {near!r}?" if near else f"use columns such as {', '.join(present[:3])}"
            raise UsageError(f"the input has no column {name!r}", where="--keep", fix=fix)
        if names.count(name) > 1:
            raise UsageError(f"column {name!r} is there twice", where="--keep", fix="name it once")
        _require_once(source, name)
    return names


def _require_once(source: Source, name: str) -> None:
    """Raise BadDataError if a file has two columns of this name."""
    for file in source.files:
        if list(file.names).count(name) > 1:
            raise BadDataError(f"column {name!r} occurs twice", where=file.name, fix="rename or drop one")


def log_unused_columns(source: Source, kept: Sequence[str]) -> None:
    """Log which columns of the input are neither read nor copied."""
    used = {*source.layout.feature_columns(source.schema), source.schema.target, *kept}
    if unused := [name or "(without a name)" for name in source.files[0].names if name not in used]:
        runtime.log(f"{source.name}: not used: {', '.join(unused[:10])}{', ...' if len(unused) > 10 else ''}")  # noqa: PLR2004


def label_offset(source: Source, mode: str) -> int | None:
    """Return the number to add to the labels of the input, see ``labels.find_offset``; None if it has no labels.

    ``auto`` reads all labels.

    Raises:
        BadDataError: There are two columns of labels, or the labels do not fit.
    """
    schema = source.schema
    if schema.target not in source.files[0].names:
        return None
    _require_once(source, schema.target)
    found: Counter[object] = Counter()
    if mode == "auto" and schema.labels_may_start_at_zero:
        columns = (batch.column(schema.target) for batch in source.batches([schema.target], _ignore))
        found = labels.count_labels(schema, columns, source.name)
        if not found:  # the column is there and empty
            return None
    return labels.find_offset(schema, found, mode, source.name)


def _ignore(error: BadRowError, column: str) -> None:
    """Pass over a cell or a line, which :func:`read_rows` reports."""


def read_rows(source: Source, kept: Sequence[str], offset: int | None, rejects: Rejects) -> Iterator[Rows]:
    """Yield the rows that can be scored, in order.

    Args:
        source: The input.
        kept: The columns that are copied to the output.
        offset: The result of :func:`label_offset`; None if the input has no labels.
        rejects: Receives the other rows.

    Raises:
        BadDataError: A column has the wrong type, or a file is damaged.
        TooManyRejectsError: As for ``Rejects.add``.
    """
    schema, layout = source.schema, source.layout
    features = layout.feature_columns(schema)
    target = [] if offset is None else [schema.target]
    columns = list(dict.fromkeys([*features, *target, *kept]))
    texts = {name for name in kept if name not in features and name not in target}
    fields = pa.schema(layouts.feature_fields(schema))
    start = 0
    for file in source.files:
        at = 0
        for raw in file.batches(columns, texts, rejects.add):
            arrays = canonical.canonical_columns(schema, layout, raw, at, file.name, rejects.add)
            codes = None if offset is None else _encode(schema, raw, offset, at, file.name, rejects)
            good = rejects.good_rows(file.name, at, raw.num_rows)
            batch = pa.RecordBatch.from_arrays(arrays, schema=fields)
            kept_arrays = [raw.column(name) for name in kept]
            positions = np.arange(start + at, start + at + raw.num_rows, dtype=np.int64)
            at += raw.num_rows
            if not good.all():
                mask = pa.array(good)
                batch, kept_arrays = batch.filter(mask), [values.filter(mask) for values in kept_arrays]
                positions, codes = positions[good], None if codes is None else codes[good]
            yield Rows(batch, positions, kept_arrays, codes)
        start += at


def _encode(  # noqa: PLR0913, PLR0917 - what is read, and where it is from
    schema: Schema, raw: pa.RecordBatch, offset: int, first_row: int, where: str, rejects: Rejects
) -> NDArray[np.int16]:
    """Return the labels of a batch as positions among the cover types; a row with an unknown label is rejected."""
    while True:
        try:
            return labels.encode_labels(schema, raw.column(schema.target), offset, first_row, where)
        except BadRowError as error:
            rejects.add(error, schema.target)
            raw = canonical.without_value(raw, schema.target, error.row - first_row)
