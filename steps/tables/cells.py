"""Convert text cells of a CSV file to numbers.

Whole numbers are exact, ``3.0`` is 3, ``True`` and ``false`` are 1 and 0. Arrow's own conversion is faster, so these
functions try it first and convert the cells that it rejects.
"""

from __future__ import annotations

import re
from contextlib import suppress
from decimal import Decimal, InvalidOperation

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from steps.tables.spelling import format_value, quote

# Spellings of a missing value: those of Arrow, which are those of pandas before version 2.
MISSING = tuple(pyarrow.csv.ConvertOptions().null_values)
_BOOLEANS = pa.array(["false", "true"])
_WHOLE = r"^\+?(-?[0-9]+)(\.0*)?$"
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_INFINITY = re.compile(r"[+-]?(inf|infinity)", re.IGNORECASE)
_NUMBER_WITH_COMMA = re.compile(r"[+-]?[0-9.,]*,[0-9.,]+")
_INT64_DIGITS = 19


class CellError(Exception):
    """A cell that cannot be converted.

    Args:
        at: The position of the cell in its array.
        cell: The text of the cell, formatted for a message.
        problem: The problem, as a clause without its subject.
        fix: The action that the user should take.
    """

    def __init__(self, at: int, cell: str, problem: str, fix: str = "correct the cell") -> None:
        super().__init__(f"{cell} {problem}")
        self.at, self.cell, self.problem, self.fix = at, cell, problem, fix


def strip_and_mark_missing(cells: pa.Array) -> pa.Array:
    """Return cells without leading and trailing spaces, and null for a spelling of a missing value (string)."""
    stripped = pc.utf8_trim_whitespace(cells)
    missing = pc.is_in(stripped, pa.array(MISSING))
    return pc.if_else(missing, pa.scalar(None, pa.string()), stripped)


def boolean_mask(cells: pa.Array) -> pa.Array:
    """Return which cells are true or false, in lower or upper case (bool, null for a missing cell)."""
    return pc.if_else(cells.is_valid(), pc.is_in(pc.utf8_lower(cells), _BOOLEANS), pa.scalar(None, pa.bool_()))


def parse_booleans(cells: pa.Array) -> pa.Array:
    """Return 1 for true, 0 for false and null for a missing cell (int8). There must be no other cells."""
    return pc.index_in(pc.utf8_lower(cells), _BOOLEANS, skip_nulls=True).cast(pa.int8())


def parse_whole_numbers(cells: pa.Array) -> pa.Array:
    """Return cells as exact whole numbers (int64); CellError for a cell that is not one or does not fit 64 bits."""
    digits = pc.replace_substring_regex(cells, _WHOLE, r"\1")
    if not pc.any(pc.match_substring(digits, "x", ignore_case=True)).as_py():  # Arrow converts 0xFF to a number
        with suppress(pa.ArrowInvalid):
            return digits.cast(pa.int64())
    return pa.array([_parse_whole_number(cell, at) for at, cell in enumerate(digits.to_pylist())], pa.int64())


def parse_numbers(cells: pa.Array) -> pa.Array:
    """Return cells as float64; CellError for a cell that is not a number."""
    try:
        return cells.cast(pa.float64())
    except pa.ArrowInvalid:
        found = [_parse_number(cell, at) for at, cell in enumerate(cells.to_pylist())]
        return pa.array(found, pa.float64())


def _parse_whole_number(cell: str | None, at: int) -> int | None:
    if cell is None:
        return None
    if _INFINITY.fullmatch(cell):
        raise CellError(at, cell, "is not a whole number")
    _require_number(cell, at)
    try:
        value = Decimal(cell)
    except InvalidOperation:  # the exponent has more digits than Decimal accepts
        raise CellError(at, format_value(cell), "is not a whole number of 64 bits") from None
    if not value:
        return 0
    # The magnitude comes first: converting 1e999999999 to an integer would take all its digits.
    if value.adjusted() >= _INT64_DIGITS or not -(2**63) <= value < 2**63:
        raise CellError(at, format_value(cell), f"is outside {-(2**63)} to {2**63 - 1}")
    whole = int(value)
    if value != whole:
        raise CellError(at, format_value(cell), "is not a whole number")
    return whole


def _parse_number(cell: str | None, at: int) -> float | None:
    if cell is None:
        return None
    if not _INFINITY.fullmatch(cell):
        _require_number(cell, at)
    return float(cell)


def _require_number(cell: str, at: int) -> None:
    if not _NUMBER.fullmatch(cell):
        comma = "write numbers with a decimal point and without commas"
        fix = comma if _NUMBER_WITH_COMMA.fullmatch(cell) else "correct the cell"
        raise CellError(at, quote(cell), "is not a number", fix)
