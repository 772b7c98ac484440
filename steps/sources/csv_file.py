"""CSV files as record batches: numbers exactly as they are written, and missing values decided column by column.

Arrow parses numbers while it reads. Where a cell is no number (``3.0`` in a column of whole numbers, ``True``),
the file is read once more from its beginning with all such columns as text, which :mod:`steps.tables.cells` converts.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from steps.core import textfile
from steps.core.errors import BadDataError
from steps.sources import csv_head
from steps.tables import SPLIT, cells, labels, spelling

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from steps.schema import Schema

BLOCK_BYTES = 8 << 20
# A row may be so long: Arrow cannot read one that is longer than two blocks.
_LONGEST_BLOCK = 1 << 30
_TEXT = pa.dictionary(pa.int32(), pa.string())
# How Arrow words the errors that a CSV file usually has.
_NO_NUMBER = re.compile(r"In CSV column #\d+: (?:Row #\d+: )?CSV conversion error to \S+: invalid value")
_NO_TEXT = re.compile(r"In CSV column #(\d+): (?:Row #(\d+): )?CSV conversion error to \S+: invalid UTF8 data")
_COUNT = re.compile(r"CSV parse error: (?:Row #(\d+): )?Expected (\d+) columns, got (\d+)")
_TOO_LONG = "straddling object"
_HEXADECIMAL = re.compile(rb"0[xX]")
# For a header without a line end; one with a line end is a file without rows too, and no error.
_HEADER_ALONE = "Could not skip"


@dataclass
class Reader:
    """Reads one CSV file once, from its first row to its last.

    Args:
        path: the file.
        name: what messages call it.
        head: its column names.
        schema: what its columns hold.
    """

    path: Path
    name: str
    head: csv_head.Head
    schema: Schema
    _as_text: bool = field(default=False, init=False)
    _block: int = field(default=0, init=False)
    _seen: dict[str, set[bool]] = field(default_factory=dict, init=False)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield record batches of the given columns: int64 and float64 for numbers, dictionaries of strings for text.

        Raises:
            BadDataError: the file is damaged, or a cell is not a number where one is needed.
        """
        self._block = BLOCK_BYTES
        self._as_text = any(map(self._is_whole, columns)) and self._has_hexadecimal()
        done = 0
        while True:
            try:
                for batch in self._rows(columns, done):
                    done += batch.num_rows
                    yield batch
            except pa.ArrowException as error:
                if str(error).startswith(_HEADER_ALONE):
                    return
                self._change(str(error))
            else:
                return

    def _has_hexadecimal(self) -> bool:
        """Whether a cell may be written as ``0xFF``, which Arrow would read as 255, or as -1 where it has 64 bits."""
        last = b""
        with self._opened() as file:
            while block := file.read(BLOCK_BYTES):
                # Looking for one letter is quick, and a file of numbers has none.
                if (b"x" in block or b"X" in block) and _HEXADECIMAL.search(last + block):
                    return True
                last = block[-1:]
        return False

    def _change(self, reason: str) -> None:
        """Read otherwise from now on, where that helps against an error of Arrow's; raise it in our words if not."""
        if _NO_NUMBER.match(reason) and not self._as_text:
            self._as_text = True
        elif _TOO_LONG in reason and self._block < _LONGEST_BLOCK:
            self._block *= 8
        else:
            raise self._explained(reason) from None

    def _rows(self, columns: Sequence[str], skipped: int) -> Iterator[pa.RecordBatch]:
        """Yield the rows after the first ``skipped``; those are converted too: all cells of a column are seen."""
        numeric = {name: whole for name in columns if (whole := self._is_whole(name)) is not None}
        native = {name: pa.int64() if whole else pa.float64() for name, whole in numeric.items()}
        plain = dict.fromkeys(numeric, pa.string()) if self._as_text else native
        convert = pa.csv.ConvertOptions(
            include_columns=list(columns),
            column_types={**dict.fromkeys(columns, _TEXT), **plain},
            null_values=list(cells.MISSING),
        )
        read = pa.csv.ReadOptions(
            use_threads=False,
            block_size=self._block,
            column_names=self.head.names,
            skip_rows=self.head.lines,
        )
        parse = pa.csv.ParseOptions(newlines_in_values=True)
        missing = {name: self._missing(name) for name in columns if name not in numeric}
        at = 0
        with self._opened() as file, pa.csv.open_csv(file, read, parse, convert) as reader:
            for batch in reader:
                arrays = [
                    self._number(name, values, at, whole=numeric[name])
                    if name in numeric
                    else _without(values, missing[name])
                    for name, values in zip(batch.schema.names, batch.columns, strict=True)
                ]
                made = pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)
                yield made.slice(max(0, skipped - at))
                at += batch.num_rows

    @contextmanager
    def _opened(self) -> Iterator[pa.NativeFile]:
        """Open the file for Arrow; BadDataError for a damaged gzip stream.

        Arrow's threads read ahead. A file object of Python's would make them wait for the interpreter, which ends the
        process with SIGABRT where one of them still does when the interpreter shuts down.
        """
        try:
            with pa.OSFile(str(self.path)) as file:
                yield pa.CompressedInputStream(file, "gzip") if csv_head.is_gzip(self.path) else file
        except OSError as error:
            if error.errno is not None or not csv_head.is_gzip(self.path):
                raise
            raise csv_head.damaged_gzip(self.path, error) from None  # Arrow's own errors have no number

    def _is_whole(self, name: str) -> bool | None:
        """Whether a column's numbers are whole ones, None for a column of text; one-hot columns are whole."""
        if name == self.schema.target:
            return None if isinstance(self.schema.cover_types[0].label, str) else True
        if name == SPLIT:
            return None
        try:
            column = self.schema.column(name)
        except KeyError:
            return True
        return None if column.categorical else not column.dtype.startswith("float")

    def _missing(self, name: str) -> pa.Array:
        """Return the cells of a column that stand for a missing value: those that are no name in this very column."""
        if name == self.schema.target:
            names = {str(cover_type.label) for cover_type in self.schema.cover_types}
        else:
            names = set() if name == SPLIT else set(self.schema.column(name).values)
        return pa.array([spelling for spelling in cells.MISSING if spelling not in names], pa.string())

    def _number(self, name: str, values: pa.Array, first: int, *, whole: bool) -> pa.Array:
        """Return a column's text as numbers; a column is all true and false or all numbers."""
        if not self._as_text:
            return values
        try:
            return self._converted(name, cells.strip_and_mark_missing(values), whole=whole)
        except cells.CellError as error:
            what = f"{error.cell} in column {name!r} {error.problem}"
            raise BadDataError(what, where=f"row {first + error.at} of {self.name}", fix=error.fix) from None

    def _converted(self, name: str, text: pa.Array, *, whole: bool) -> pa.Array:
        flags = cells.boolean_mask(text)
        seen = self._seen.setdefault(name, set())
        seen |= set(pc.unique(flags.drop_null()).to_pylist())
        if True not in seen:
            return cells.parse_whole_numbers(text) if whole else cells.parse_numbers(text)
        if False in seen or (name == self.schema.target and not labels.are_booleans(self.schema)):
            flag = bool(pc.any(flags).as_py())
            at = pc.index(flags, value=flag).as_py()
            problem = "is not a number" if flag else "is neither true nor false"
            raise cells.CellError(at, spelling.quote(text[at].as_py()), problem)
        return cells.parse_booleans(text)

    def _explained(self, reason: str) -> BadDataError:
        """Return Arrow's error message with the column's name and the line, where it tells them."""
        if found := _NO_TEXT.match(reason):
            column, line = found.groups()
            what = f"a cell of column {self.head.names[int(column)]!r} is not UTF-8 text"
            fix = f"{textfile.SAVE_AS_UTF8} (is it Latin-1 or Windows-1252?)"
            return BadDataError(what, where=self._line(line), fix=fix)
        if found := _COUNT.match(reason):
            line, expected, count = found.groups()
            what = f"{count} columns instead of {expected}"
            return BadDataError(what, where=self._line(line), fix="correct the line")
        if _TOO_LONG in reason:
            what = f"a row has more than {_LONGEST_BLOCK:,} bytes"
            return BadDataError(what, where=self.name, fix="does a quote not end?")
        what = f"not a table as CSV ({reason.splitlines()[0][:200]})"
        return BadDataError(what, where=self.name, fix="write it again")

    def _line(self, number: str | None) -> str:
        return f"line {number} of {self.name}" if number else self.name


def _without(values: pa.DictionaryArray, missing: pa.Array) -> pa.DictionaryArray:
    """Return text in which the cells of ``missing`` are null."""
    absent = pc.is_in(values.dictionary, missing)
    if not pc.any(absent).as_py():
        return values
    indices = pc.if_else(absent.take(values.indices), pa.scalar(None, values.indices.type), values.indices)
    return pa.DictionaryArray.from_arrays(indices, values.dictionary)
