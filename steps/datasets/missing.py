"""Missing values of a source: which rows are usable, how many values are missing in each column, and errors for them.

A row without a label is never usable. A row with a missing feature is usable only with ``keep``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from steps.core.errors import BadDataError
from steps.options.prepare import OnMissing
from steps.tables import labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from steps.datasets.ingest import Batch
    from steps.schema import Schema

# The largest number of columns that a message names.
_MOST_COLUMNS = 5


def usable_rows(batch: Batch, on_missing: OnMissing) -> NDArray[np.bool_]:
    """Return which rows of a batch may be used (bool, shape (rows,))."""
    return np.asarray(batch.codes != labels.MISSING) if on_missing is OnMissing.KEEP else batch.complete_rows()


class Tally:
    """Counts the missing values of each column and the rows of each cover type, before any row is dropped."""

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
        """The number of missing values by column, largest first, without columns that have none."""
        found = sorted(self._missing.items(), key=lambda item: -item[1])
        return {name: count for name, count in found if count}

    @property
    def class_counts(self) -> dict[str, int]:
        """The number of rows of each cover type by slug."""
        return dict(zip(self._schema.slugs, self._classes.tolist(), strict=True))

    def empty_columns(self) -> list[str]:
        """Return the names of the feature columns without any value."""
        return [column.name for column in self._schema.columns if self.rows and self._missing[column.name] == self.rows]


def format_counts(missing: Mapping[str, int]) -> str:
    """Return columns and their numbers of missing values for a message: ``Cabin 1,014, Age 263``."""
    first = [f"{name} {count:,}" for name, count in [*missing.items()][:_MOST_COLUMNS]]
    rest = len(missing) - len(first)
    return ", ".join(first) + (f" and {rest} more columns" if rest else "")


def require_complete(batch: Batch, schema: Schema, source: Iterable[Batch]) -> None:
    """Raise BadDataError if a batch has a missing value.

    Args:
        batch: The rows to check.
        schema: The schema of the source.
        source: All batches of the source. They are read only if a column has no value in ``batch``, to find out
            whether it has none in the whole source.

    Raises:
        BadDataError: A value is missing. The message names the first one, or the columns without any value.
    """
    complete = batch.complete_rows()
    if complete.all():
        return
    names = [column.name for column in schema.columns]
    suspects = {name for name, values in zip(names, batch.arrays, strict=True) if values.null_count == len(values)}
    if suspects:
        _require_no_empty([name for name in names if name in _empty_everywhere(suspects, names, source)], batch.file)
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
    """Return those of ``suspects`` that have no value in any batch, nothing if the source cannot be read."""
    left = set(suspects)
    try:
        for batch in source:
            columns = zip(names, batch.arrays, strict=True)
            left -= {name for name, values in columns if values.null_count < len(values)}
            if not left:
                break
    except BadDataError:  # the error is in a later row than the missing value, so the missing value is reported
        return set()
    return left


def _require_no_empty(names: list[str], where: str) -> None:
    if names:
        listed = ", ".join(repr(name) for name in names[:_MOST_COLUMNS])
        what = f"columns {listed} have no value in any row" if names[1:] else f"column {listed} has no value in any row"
        fix = "leave it out of the schema, or keep missing values with --on-missing keep"
        raise BadDataError(what, where=where, fix=fix)


def check_dropped(tally: Tally, dropped: int, limit: float, on_missing: OnMissing, where: str) -> None:
    """Raise BadDataError if too many rows were dropped because of a missing value.

    Args:
        tally: The counts of the source.
        dropped: The number of rows that were dropped because of a missing value.
        limit: The largest share of rows that may be dropped, 0 to 1.
        on_missing: How rows with a missing value were treated. With ``keep`` only rows without a label were dropped.
        where: The source, for the message.

    Raises:
        BadDataError: More rows were dropped. The message names the columns without any value, or the columns with
            most missing values.
    """
    if on_missing is OnMissing.DROP:
        _require_no_empty(tally.empty_columns(), where)
    share = dropped / max(1, tally.rows)
    if share <= limit:
        return
    allow = f"allow it with --max-dropped {min(1, math.ceil(share * 100) / 100):g}"
    if on_missing is OnMissing.KEEP:
        what, fix = "no label", f"add the labels, or {allow}"
    else:
        what = f"a missing value ({format_counts(tally.missing)})"
        fix = f"keep them with --on-missing keep, leave such columns out of the schema, or {allow}"
    raise BadDataError(f"{dropped:,} of {tally.rows:,} rows ({share:.1%}) have {what}", where=where, fix=fix)
