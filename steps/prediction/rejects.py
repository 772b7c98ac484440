"""Rows that cannot be scored, with the column and the reason of each."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from steps.core import storage
from steps.core.errors import BadDataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from steps.core.errors import BadRowError

FIELDS = ("file", "row", "column", "reason")
# Rows that are looked for above the limit, so that the file shows more than the first one too many.
_BEYOND = 1_000


class TooManyRejectsError(BadDataError):
    """More rows were rejected than are allowed."""


class Rejects:
    """Collects the rejected rows of an input, with the first problem of each column.

    Args:
        limit: The largest number of rows that may be rejected.

    Attributes:
        reasons: The problem by file, row and column.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rows: dict[str, set[int]] = {}
        self._count = 0
        self.reasons: dict[tuple[str, int, str], str] = {}

    def __len__(self) -> int:
        """Return the number of rejected rows."""
        return self._count

    def add(self, error: BadRowError, column: str) -> None:
        """Add a row, with an empty column for all of it.

        Raises:
            TooManyRejectsError: So many are rejected that it makes no sense to look for more.
        """
        rows = self._rows.setdefault(error.file, set())
        self._count += error.row not in rows
        rows.add(error.row)
        self.reasons.setdefault((error.file, error.row, column), f"{error.what}: {error.fix}")
        if len(self) > self._limit + _BEYOND:
            raise self.error(f"at least {len(self):,}")

    def good_rows(self, file: str, first: int, count: int) -> NDArray[np.bool_]:
        """Return which rows of a file are not rejected (bool, shape (count,)), from the position ``first`` on."""
        good = np.ones(count, bool)
        rows = self._rows.get(file, ())
        found = (row for row in range(first, first + count) if row in rows) if len(rows) > count else rows
        for row in found:
            if first <= row < first + count:
                good[row - first] = False
        return good

    def require_few(self) -> None:
        """Raise TooManyRejectsError if more rows were rejected than are allowed."""
        if len(self) > self._limit:
            raise self.error(f"{len(self):,}")

    def error(self, count: str) -> TooManyRejectsError:
        """Return the error for too many rejected rows, which quotes the first one."""
        (file, row, _), reason = next(iter(self.reasons.items()))
        what = f"{count} rows cannot be scored, {self._limit:,} are allowed; the first: {reason}"
        return TooManyRejectsError(what, where=f"row {row} of {file}", fix="see the file of rejects, or --max-rejects")

    def write(self, path: Path) -> None:
        """Write the rows as CSV, sorted by file, row and column."""
        with storage.atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(FIELDS)
            writer.writerows((*place, reason) for place, reason in sorted(self.reasons.items()))
