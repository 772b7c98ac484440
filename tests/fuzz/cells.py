"""The expected meaning of the cells of a drawn table.

It is recorded cell by cell when the file is written, and never read from the file: a value, None where it is missing,
or ``REFUSED`` where a reader must not find a value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fuzz.drawn_schemas import Document

REFUSED = "<refused>"
_WIDEST = 60  # range of the numbers that are drawn


@dataclass
class Table:
    """Cells by column, without the ``target``. ``split`` is empty where the source has no such column."""

    columns: dict[str, list[Any]]
    target: list[Any]
    split: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    source: str = ""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.target)


@dataclass(frozen=True)
class Column:
    """The values that can be drawn for a column: numbers from ``low`` to ``high``, or ``values``."""

    name: str
    dtype: str
    values: tuple[str, ...]
    low: float
    high: float

    @staticmethod
    def of(entry: Document) -> Column:
        """Return the values that can be drawn for an entry of a schema, which may be invalid."""
        ends = [entry.get(key) for key in ("minimum", "maximum")]
        low, high = (end if isinstance(end, int | float) and math.isfinite(end) else None for end in ends)
        low = max(0, low) if low is not None and abs(low) < 2**62 else 0
        high = low + _WIDEST if high is None or high > low + _WIDEST else max(low, high)
        listed = entry.get("values")
        values = tuple(value for value in listed if isinstance(value, str)) if isinstance(listed, list) else ()
        return Column(str(entry.get("name")), str(entry.get("dtype")), values, low, high)

    @property
    def whole(self) -> bool:
        return "int" in self.dtype

    @property
    def categorical(self) -> bool:
        return self.dtype == "category"


def columns_of(document: Document) -> list[Column]:
    """Return the columns of a document that may not be a schema."""
    listed = document.get("columns")
    return [Column.of(entry) for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def labels_of(document: Document) -> list[Any]:
    """Return the labels of a document that may not be a schema."""
    listed = document.get("cover_types")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    return [entry["label"] for entry in entries if isinstance(entry.get("label"), int | str | float)] or [1, 2]


def number_in(text: str) -> Any:
    """Return the number in a cell; integers are exact."""
    try:
        return int(text) if "_" not in text and text.isascii() and len(text) < 4000 else REFUSED
    except ValueError:
        pass
    try:
        found = float(text) if "_" not in text and text.isascii() else math.nan
    except ValueError:
        return REFUSED
    return found if math.isfinite(found) else REFUSED
