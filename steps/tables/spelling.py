"""Names in a table's cells (categories, labels that are strings), and their positions among those of the schema.

The same value is spelled differently by different writers: pandas writes ``True`` where Arrow and BigQuery write
``true``, and ``1.0`` where a column of whole numbers has a missing value. A cell that is none of the schema's names
takes the one name that spells the same value, and none where two names do.
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
# Nearest names are looked for among so many at most: a comparison takes some microseconds.
_COMPARED = 2000
_LONGEST = 60


def as_text(values: pa.Array, column: str, where: str) -> pa.Array:
    """Return a column as strings or as a dictionary of strings: ``true`` and ``false``, whole numbers without ``.0``.

    Raises:
        BadDataError: the column is of a type that has no such spelling (nested, for example).
    """
    if pa.types.is_dictionary(values.type) and values.dictionary.null_count:
        values = values.dictionary_decode()
    if pa.types.is_dictionary(values.type):
        words = as_text(values.dictionary, column, where)
        return pa.DictionaryArray.from_arrays(values.indices, words, safe=False)
    if pa.types.is_floating(values.type):
        values = without_nan(values)
    try:
        return values.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        what = f"column {column!r} has type {values.type}, strings are needed"
        raise BadDataError(what, where=where, fix="convert it") from None


def without_nan(values: pa.Array) -> pa.Array:
    """Return floats with NaN as missing; half floats become float32, as Arrow computes little with them."""
    if pa.types.is_float16(values.type):
        values = values.cast(pa.float32())
    return pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)


def positions(names: Sequence[str], text: pa.Array) -> pa.Array:
    """Return each cell's position among ``names`` as int32; null where it is missing or none of them.

    Args:
        names: the schema's names.
        text: as :func:`as_text` returns it.

    Raises:
        pa.ArrowIndexError: the column is damaged, it points behind its dictionary.
        UnicodeDecodeError: a cell is not UTF-8.
    """
    if pa.types.is_dictionary(text.type):
        return positions(names, text.dictionary).take(text.indices)
    found = pc.index_in(text, pa.array(names, pa.string()), skip_nulls=True)
    odd = pc.unique(text.filter(pc.and_(found.is_null(), text.is_valid()))).to_pylist()
    if not odd:
        return found
    values = _by_value(names)
    known = {cell: at for cell in odd if (at := values.get(_value(cell))) is not None}
    again = pc.index_in(text, pa.array(list(known), pa.string()), skip_nulls=True)
    return pc.coalesce(found, pa.array(list(known.values()), pa.int32()).take(again))


def nearest(word: str, names: Sequence[str]) -> str | None:
    """Return the name that ``word`` is most likely meant to be, None where none is close."""
    if folded := [name for name in names if _folded(name) == _folded(word)]:
        return folded[0]
    close = difflib.get_close_matches(word, names[:_COMPARED], n=1, cutoff=0.75)
    return close[0] if close else None


def shown(value: object) -> str:
    """Return a value for a message: a whole number without ``.0``, a text cut, in quotes where it would not be seen."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)  # noqa: PLR2004
    text = str(value)
    if not text.isprintable() or text != text.strip() or not text:
        return quoted(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def quoted(value: object) -> str:
    """Return a text in quotes for a message, cut where it is long."""
    text = str(value)
    return repr(text) if len(text) <= _LONGEST else f"{text[:_LONGEST]!r}..."


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _by_value(names: Sequence[str]) -> dict[Any, int | None]:
    """Return positions by the value that a name spells, None where two names spell the same."""
    found: dict[Any, int | None] = {}
    for at, name in enumerate(names):
        if (value := _value(name)) is not None:
            found[value] = None if value in found else at
    return found


def _value(name: str) -> str | None:
    """Return one spelling for each truth value and whole number, None for any other text."""
    if name.casefold() in _BOOLEAN:
        return name.casefold()
    whole = _WHOLE.fullmatch(name)
    return whole[1] if whole else None
