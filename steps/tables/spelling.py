"""Match names in a table's cells (categories, labels) with the names of the schema, and format values for messages.

Writers spell the same value differently: pandas writes ``True``, Arrow and BigQuery write ``true``, and a column of
whole numbers with a missing value has ``1.0``. A cell that is not one of the schema's names therefore matches the name
that spells the same value, unless two names do.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from steps.core.errors import BadDataError

if TYPE_CHECKING:
    from collections.abc import Sequence

_WHOLE = re.compile(r"(-?[0-9]+)(?:\.0*)?")
_BOOLEAN = {"true", "false"}
# The largest number of names that are searched for a similar one: a comparison takes some microseconds.
_MOST_COMPARED = 2000
# The largest number of characters of a value in a message.
_LONGEST = 60


def to_text(values: pa.Array, column: str, where: str) -> pa.Array:
    """Return a column as strings or as a dictionary of strings: ``true`` and ``false``, whole numbers without ``.0``.

    Args:
        values: The column.
        column: Its name, for error messages.
        where: The source, for error messages.

    Raises:
        BadDataError: The column has a type without text form (a nested type, for example).
    """
    if pa.types.is_dictionary(values.type) and values.dictionary.null_count:
        values = values.dictionary_decode()
    if pa.types.is_dictionary(values.type):
        words = to_text(values.dictionary, column, where)
        return pa.DictionaryArray.from_arrays(values.indices, words, safe=False)
    if pa.types.is_floating(values.type):
        values = nan_to_null(values)
    try:
        return values.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        what = f"column {column!r} has type {values.type}, strings are needed"
        raise BadDataError(what, where=where, fix="convert it") from None


def nan_to_null(values: pa.Array) -> pa.Array:
    """Return floats with null for NaN. float16 becomes float32, because Arrow has few functions for float16."""
    if pa.types.is_float16(values.type):
        values = values.cast(pa.float32())
    return pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)


def find_positions(names: Sequence[str], text: pa.Array) -> pa.Array:
    """Return the position of each cell among ``names`` (int32, null for a missing or unknown cell).

    Args:
        names: The names of the schema.
        text: A column that :func:`to_text` returned.

    Raises:
        pa.ArrowIndexError: The column is damaged: an index is outside its dictionary.
        UnicodeDecodeError: A cell is not UTF-8.
    """
    if pa.types.is_dictionary(text.type):
        return find_positions(names, text.dictionary).take(text.indices)
    found = pc.index_in(text, pa.array(names, pa.string()), skip_nulls=True)
    unmatched = pc.unique(text.filter(pc.and_(found.is_null(), text.is_valid()))).to_pylist()
    if not unmatched:
        return found
    by_value = _positions_by_value(names)
    respelled = {cell: at for cell in unmatched if (at := by_value.get(_spelled_value(cell))) is not None}
    again = pc.index_in(text, pa.array(list(respelled), pa.string()), skip_nulls=True)
    return pc.coalesce(found, pa.array(list(respelled.values()), pa.int32()).take(again))


def nearest_name(word: str, names: Sequence[str]) -> str | None:
    """Return the name that ``word`` is most likely a misspelling of, None if no name is similar."""
    if folded := [name for name in names if _fold(name) == _fold(word)]:
        return folded[0]
    close = difflib.get_close_matches(word, names[:_MOST_COMPARED], n=1, cutoff=0.75)
    return close[0] if close else None


def format_value(value: object) -> str:
    """Return a value as text for a message.

    A whole number has no ``.0``. A long text is cut. A text that is empty, unprintable, or has outer spaces is quoted.
    """
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)  # noqa: PLR2004
    text = str(value)
    if not text.isprintable() or text != text.strip() or not text:
        return quote(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def quote(value: object) -> str:
    """Return a value as quoted text for a message. A long text is cut."""
    text = str(value)
    return repr(text) if len(text) <= _LONGEST else f"{text[:_LONGEST]!r}..."


def _fold(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _positions_by_value(names: Sequence[str]) -> dict[Any, int | None]:
    """Return the position of the name for each value that a name spells, None if two names spell the same value."""
    found: dict[Any, int | None] = {}
    for at, name in enumerate(names):
        if (value := _spelled_value(name)) is not None:
            found[value] = None if value in found else at
    return found


def _spelled_value(name: str) -> str | None:
    """Return the canonical spelling of a truth value or whole number, None for any other text."""
    if name.casefold() in _BOOLEAN:
        return name.casefold()
    whole = _WHOLE.fullmatch(name)
    return whole[1] if whole else None
