"""Lines of a CSV file that are no rows: those with another number of cells, and those that are not UTF-8.

A reader that reports them keeps a row of nulls in their place, so that all other rows keep their positions.
"""

from __future__ import annotations

import codecs
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steps.core import textfile
from steps.core.errors import BadRowError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

# Stands for a byte that is not UTF-8. Unicode guarantees that this code point is no character.
MARK = "\ufdd0"
FIX = f"{textfile.SAVE_AS_UTF8} (is it Latin-1 or Windows-1252?)"
_BLOCK_BYTES = 8 << 20
_ERRORS = "covertype.mark"


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return MARK, error.end


codecs.register_error(_ERRORS, _mark)


def is_utf8(file: BinaryIO | pa.NativeFile) -> bool:
    """Return whether all of a file, which is open for reading bytes, is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := file.read(_BLOCK_BYTES):
            if decoder.getstate()[0] or not block.isascii():
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def write_marked(file: BinaryIO | pa.NativeFile, target: Path) -> None:
    """Copy a file, with ``MARK`` for each sequence of bytes that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")(_ERRORS)
    with target.open("wb") as copy:
        while block := file.read(_BLOCK_BYTES):
            copy.write(decoder.decode(block).encode())
        copy.write(decoder.decode(b"", final=True).encode())


def find_marked(values: pa.Array) -> list[int]:
    """Return the positions of the texts that have a ``MARK`` (strings, or a dictionary of strings)."""
    if pa.types.is_dictionary(values.type):
        marked = pc.match_substring(values.dictionary, MARK)
        if not pc.any(marked).as_py():
            return []
        found = marked.take(values.indices)
    else:
        found = pc.match_substring(values, MARK)
    return [int(at) for at in np.flatnonzero(pc.fill_null(found, fill_value=False).to_numpy(zero_copy_only=False))]


class LinePlaces:
    """Keeps the places of lines with a wrong number of cells, which Arrow skips.

    Args:
        name: The name of the file in messages.
        first: The number that Arrow gives the first row.
        report: Called with the error of a line, and an empty name for its column.
    """

    def __init__(self, name: str, first: int, report: Callable[[BadRowError, str], None]) -> None:
        self._name, self._first, self._report = name, first, report
        self._waiting: deque[tuple[int, str]] = deque()
        self._at = 0

    def skip(self, row: Any) -> str:  # noqa: ANN401 - pyarrow has no types
        """Note a line. Arrow calls this in order and ahead of the rows around it, maybe in another thread."""
        self._waiting.append(
            (row.number - self._first, f"{row.actual_columns} columns instead of {row.expected_columns}")
        )
        return "skip"

    def insert(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the next rows, with a row of nulls for each skipped line before or between them."""
        places: list[int] = []
        while self._waiting and self._waiting[0][0] < self._at + batch.num_rows + len(places):
            places.append(self._next())
        is_row = np.ones(batch.num_rows + len(places), bool)
        is_row[np.array(places, np.int64) - self._at] = False
        self._at += len(is_row)
        return batch.take(pa.array(np.cumsum(is_row) - 1, mask=~is_row)) if places else batch

    def rest(self, schema: pa.Schema) -> pa.RecordBatch | None:
        """Return rows of nulls for the skipped lines after the last row, None if there are none."""
        count = len(self._waiting)
        for _ in range(count):
            self._next()
        self._at += count
        arrays = [pa.nulls(count, field.type) for field in schema]
        return pa.RecordBatch.from_arrays(arrays, schema=schema) if count else None

    def _next(self) -> int:
        row, what = self._waiting.popleft()
        self._report(BadRowError(what, row=row, file=self._name, fix="correct the line"), "")
        return row
