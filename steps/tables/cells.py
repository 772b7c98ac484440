"""Text cells of a CSV file as numbers: exact whole numbers, ``3.0`` as 3, ``True`` and ``false`` as 1 and 0.

Arrow's own conversion is faster and is tried first; these functions read what it does not.
"""

from __future__ import annotations

import re
from contextlib import suppress
from decimal import Decimal, InvalidOperation

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from steps.tables.spelling import quoted, shown

# Spellings of a missing value: Arrow's, which are those of pandas before version 2.
MISSING = tuple(pyarrow.csv.ConvertOptions().null_values)
_BOOLEANS = pa.array(["false", "true"])
_WHOLE = r"^\+?(-?[0-9]+)(\.0*)?$"
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_ENDLESS = re.compile(r"[+-]?(inf|infinity)", re.IGNORECASE)
_COMMA = re.compile(r"[+-]?[0-9.,]*,[0-9.,]+")
_INT64_DIGITS = 19


class CellError(Exception):
    """A cell that cannot be read: its position in the array, its text as shown, what is wrong with it, what to do."""

    def __init__(self, at: int, cell: str, problem: str, fix: str = "correct the cell") -> None:
        super().__init__(f"{cell} {problem}")
        self.at, self.cell, self.problem, self.fix = at, cell, problem, fix


def with_missing(cells: pa.Array) -> pa.Array:
    """Return cells without the spaces around them; those that spell a missing value are null."""
    trimmed = pc.utf8_trim_whitespace(cells)
    absent = pc.is_in(trimmed, pa.array(MISSING))
    return pc.if_else(absent, pa.scalar(None, pa.string()), trimmed)


def are_booleans(cells: pa.Array) -> pa.Array:
    """Return the mask of cells that are true or false, in any case; null where a cell is missing."""
    return pc.if_else(cells.is_valid(), pc.is_in(pc.utf8_lower(cells), _BOOLEANS), pa.scalar(None, pa.bool_()))


def booleans(cells: pa.Array) -> pa.Array:
    """Return cells that are all true, false or missing as int8."""
    return pc.index_in(pc.utf8_lower(cells), _BOOLEANS, skip_nulls=True).cast(pa.int8())


def whole_numbers(cells: pa.Array) -> pa.Array:
    """Return cells as int64, each exactly; CellError for one that is no whole number or does not fit."""
    plain = pc.replace_substring_regex(cells, _WHOLE, r"\1")
    if not pc.any(pc.match_substring(plain, "x", ignore_case=True)).as_py():  # Arrow reads 0xFF as a number
        with suppress(pa.ArrowInvalid):
            return plain.cast(pa.int64())
    return pa.array([_whole(cell, at) for at, cell in enumerate(plain.to_pylist())], pa.int64())


def numbers(cells: pa.Array) -> pa.Array:
    """Return cells as float64; CellError for one that is no number."""
    try:
        return cells.cast(pa.float64())
    except pa.ArrowInvalid:
        found = [_number(cell, at) for at, cell in enumerate(cells.to_pylist())]
        return pa.array(found, pa.float64())


def _whole(cell: str | None, at: int) -> int | None:
    if cell is None:
        return None
    if _ENDLESS.fullmatch(cell):
        raise CellError(at, cell, "is no whole number")
    _check(cell, at)
    try:
        value = Decimal(cell)
    except InvalidOperation:  # an exponent that itself has more digits than Decimal takes
        raise CellError(at, shown(cell), "is no whole number of 64 bits") from None
    if not value:
        return 0
    # Compared by its magnitude first: all digits of 1e999999999 are too many to write down.
    if value.adjusted() >= _INT64_DIGITS or not -(2**63) <= value < 2**63:
        raise CellError(at, shown(cell), f"is outside {-(2**63)} to {2**63 - 1}")
    whole = int(value)
    if value != whole:
        raise CellError(at, shown(cell), "is no whole number")
    return whole


def _number(cell: str | None, at: int) -> float | None:
    if cell is None:
        return None
    if not _ENDLESS.fullmatch(cell):
        _check(cell, at)
    return float(cell)


def _check(cell: str, at: int) -> None:
    if not _NUMBER.fullmatch(cell):
        comma = "write numbers with a decimal point and without commas"
        raise CellError(at, quoted(cell), "is no number", comma if _COMMA.fullmatch(cell) else "correct the cell")
