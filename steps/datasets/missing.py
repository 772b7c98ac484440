"""Missing values of a source: which rows may be used, how many values are missing in which column, and what is wrong.

A row without a label is never used. A row with a missing feature is used under ``keep`` alone.
"""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING

import numpy as np

from steps.core.errors import BadDataError
from steps.tables import labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from steps.datasets.ingest import Batch
    from steps.schema import Schema

# Columns that a message or a note names at most.
_MOST_COLUMNS = 5


class OnMissing(enum.StrEnum):
    """What to do with a row that has a missing value."""

    FAIL = "fail"
    DROP = "drop"
    KEEP = "keep"

    def usable(self, batch: Batch) -> NDArray[np.bool_]:
        """Return the mask of a batch's rows that may be used, shape (rows,)."""
        return np.asarray(batch.codes != labels.MISSING) if self is OnMissing.KEEP else batch.complete()


class Tally:
    """Counts the missing values of a source by column, and its rows by cover type, before any row is dropped."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._missing = dict.fromkeys([*(column.name for column in schema.columns), schema.target], 0)
        self._classes = np.zeros(len(schema.cover_types), np.int64)
        self.rows = 0

    def add(self, batch: Batch) -> None:
        """Count a batch."""
        labelled = batch.codes[batch.codes != labels.MISSING]
        self.rows += len(batch.codes)
        self._classes += np.bincount(labelled, minlength=len(self._classes))
        self._missing[self._schema.target] += len(batch.codes) - len(labelled)
        for column, values in zip(self._schema.columns, batch.arrays, strict=True):
            self._missing[column.name] += values.null_count

    @property
    def missing(self) -> dict[str, int]:
        """Missing values by column, most first; a column that misses none is left out."""
        found = sorted(self._missing.items(), key=lambda item: -item[1])
        return {name: count for name, count in found if count}

    @property
    def class_counts(self) -> dict[str, int]:
        """Rows of each cover type by slug."""
        return dict(zip(self._schema.slugs, self._classes.tolist(), strict=True))

    def empty(self) -> list[str]:
        """Return the names of the feature columns without any value."""
        return [column.name for column in self._schema.columns if self.rows and self._missing[column.name] == self.rows]


def listed(missing: Mapping[str, int]) -> str:
    """Return columns and their missing values for a message: ``Cabin 1,014, Age 263``."""
    shown = [f"{name} {count:,}" for name, count in [*missing.items()][:_MOST_COLUMNS]]
    rest = len(missing) - len(shown)
    return ", ".join(shown) + (f" and {rest} more columns" if rest else "")


def refuse(batch: Batch, schema: Schema, source: Iterable[Batch]) -> None:
    """Raise BadDataError where a batch has a missing value.

    Args:
        batch: the rows to check.
        schema: of the table.
        source: all batches of the source, read only to see whether a column that is empty here is empty everywhere.

    Raises:
        BadDataError: names the first missing value, or the columns without any value.
    """
    complete = batch.complete()
    if complete.all():
        return
    names = [column.name for column in schema.columns]
    suspects = {name for name, values in zip(names, batch.arrays, strict=True) if values.null_count == len(values)}
    if suspects:
        _refuse_empty([name for name in names if name in _empty_everywhere(suspects, names, source)], batch.file)
    at = int(np.argmin(complete))
    absent = next((name for name, values in zip(names, batch.arrays, strict=True) if not values[at].is_valid), None)
    raise BadDataError(
        f"a value is missing in column {absent or schema.target!r}",
        where=f"row {batch.first_in_file + at} of {batch.file}",
        fix="correct the source, or use --on-missing keep or --on-missing drop"
        if absent
        else "correct the source, or drop such rows with --on-missing drop",
    )


def _empty_everywhere(suspects: set[str], names: list[str], source: Iterable[Batch]) -> set[str]:
    """Return those of ``suspects`` without a value in any batch, as far as the source can be read."""
    left = set(suspects)
    try:
        for batch in source:
            columns = zip(names, batch.arrays, strict=True)
            left -= {name for name, values in columns if values.null_count < len(values)}
            if not left:
                break
    except BadDataError:  # of a later row: the missing value comes first
        return set()
    return left


def _refuse_empty(names: list[str], where: str) -> None:
    if names:
        shown = ", ".join(repr(name) for name in names[:_MOST_COLUMNS])
        what = f"columns {shown} have no value in any row" if names[1:] else f"column {shown} has no value in any row"
        fix = "leave it out of the schema, or keep missing values with --on-missing keep"
        raise BadDataError(what, where=where, fix=fix)


def check_dropped(tally: Tally, dropped: int, limit: float, on_missing: OnMissing, where: str) -> None:
    """Raise BadDataError where more than the share ``limit`` of all rows was dropped for a missing value.

    Args:
        tally: what was counted of the source.
        dropped: rows that were dropped for a missing value.
        limit: largest share that may be dropped, 0 to 1.
        on_missing: under ``keep`` only rows without a label were dropped.
        where: the source, for the message.

    Raises:
        BadDataError: names the columns without any value, or those that miss most.
    """
    if on_missing is OnMissing.DROP:
        _refuse_empty(tally.empty(), where)
    share = dropped / max(1, tally.rows)
    if share <= limit:
        return
    allow = f"allow it with --max-dropped {min(1, math.ceil(share * 100) / 100):g}"
    if on_missing is OnMissing.KEEP:
        what, fix = "no label", f"add the labels, or {allow}"
    else:
        what = f"a missing value ({listed(tally.missing)})"
        fix = f"keep them with --on-missing keep, leave such columns out of the schema, or {allow}"
    raise BadDataError(f"{dropped:,} of {tally.rows:,} rows ({share:.1%}) have {what}", where=where, fix=fix)
