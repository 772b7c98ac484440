"""Read the rows of a CSV file as record batches, with exact numbers and with missing values decided for each column.

Arrow converts numbers while it reads. If it rejects a cell (``3.0`` in a column of whole numbers, ``True``), the file
is read again from the beginning with all numeric columns as text, which :mod:`steps.tables.cells` converts.
"""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from steps.core.errors import BadDataError, BadRowError
from steps.sources import csv_head, csv_lines
from steps.tables import SPLIT, cells, labels, spelling

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from steps.schema import Schema

BLOCK_BYTES = 8 << 20
# The largest block, and so the longest row: Arrow cannot read a row that is longer than two blocks.
_LONGEST_BLOCK = 1 << 30
_TEXT = pa.dictionary(pa.int32(), pa.string())
# The words of Arrow's errors.
_INVALID_NUMBER = re.compile(r"In CSV column #\d+: (?:Row #\d+: )?CSV conversion error to \S+: invalid value")
_INVALID_UTF8 = re.compile(r"In CSV column #(\d+): (?:Row #(\d+): )?CSV conversion error to \S+: invalid UTF8 data")
_WRONG_COLUMN_COUNT = re.compile(r"CSV parse error: (?:Row #(\d+): )?Expected (\d+) columns, got (\d+)")
_ROW_TOO_LONG = "straddling object"
_HEXADECIMAL = re.compile(rb"0[xX]")
# Arrow's error for a file that is a header without a line end. A header with a line end is no error to Arrow.
_HEADER_ONLY = "Could not skip"


@dataclass
class CsvReader:
    """Reads one CSV file once, from the first row to the last.

    Args:
        path: The file.
        name: The name of the file in messages.
        head: The column names of the file.
        schema: The schema of the source.
        texts: The names of columns that are text whatever is in them.
        report: Called with the error of a cell and the name of its column, which is empty for a line with too few or
            too many cells. The cell, or all of the row, is then null. None to raise the error.
        marked: Whether the file is a copy from ``csv_lines.write_marked``.
    """

    path: Path
    name: str
    head: csv_head.Head
    schema: Schema
    texts: Collection[str] = ()
    report: Callable[[BadRowError, str], None] | None = None
    marked: bool = False
    _as_text: bool = field(default=False, init=False)
    _block: int = field(default=0, init=False)
    _seen: dict[str, set[bool]] = field(default_factory=dict, init=False)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield record batches of the given columns: int64 and float64 for numbers, dictionaries of strings for text.

        Raises:
            BadDataError: The file is damaged, or a cell of a numeric column is not a number.
        """
        if self.report is None or self._is_utf8():
            yield from self._read(columns)
            return
        with tempfile.TemporaryDirectory(prefix="covertype-text-") as folder:
            marked = Path(folder) / "marked.csv"
            with self._open_for_arrow() as file:
                csv_lines.write_marked(file, marked)
            copy = CsvReader(marked, self.name, self.head, self.schema, self.texts, self.report, marked=True)
            yield from copy._read(columns)

    def _is_utf8(self) -> bool:
        with self._open_for_arrow() as file:
            return csv_lines.is_utf8(file)

    def _read(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield record batches, see :meth:`batches`."""
        self._block = BLOCK_BYTES
        self._as_text = any(map(self._is_whole, columns)) and self._has_hexadecimal()
        done = 0
        while True:
            try:
                for batch in self._read_rows(columns, done):
                    done += batch.num_rows
                    yield batch
            except pa.ArrowException as error:
                if str(error).startswith(_HEADER_ONLY):
                    return
                self._adapt_to_error(str(error))
            else:
                return

    def _has_hexadecimal(self) -> bool:
        """Return whether a cell may be like ``0xFF``, which Arrow converts to 255, or to -1 for 64 bits."""
        last = b""
        with self._open_for_arrow() as file:
            while block := file.read(BLOCK_BYTES):
                # Searching for one letter is fast, and a file of numbers has none.
                if (b"x" in block or b"X" in block) and _HEXADECIMAL.search(last + block):
                    return True
                last = block[-1:]
        return False

    def _adapt_to_error(self, reason: str) -> None:
        """Change how the file is read, if that can avoid this error of Arrow's. Otherwise raise a BadDataError."""
        if _INVALID_NUMBER.match(reason) and not self._as_text:
            self._as_text = True
        elif _ROW_TOO_LONG in reason and self._block < _LONGEST_BLOCK:
            self._block *= 8
        else:
            raise self._to_bad_data(reason) from None

    def _read_rows(self, columns: Sequence[str], skipped: int) -> Iterator[pa.RecordBatch]:
        """Yield the rows after the first ``skipped`` ones.

        The skipped rows are converted too, because the kind of a column (numbers, or true and false) depends on all
        of its cells.
        """
        numeric = {name: whole for name in columns if (whole := self._is_whole(name)) is not None}
        native = {name: pa.int64() if whole else pa.float64() for name, whole in numeric.items()}
        numeric_types = dict.fromkeys(numeric, pa.string()) if self._as_text else native
        convert = pa.csv.ConvertOptions(
            include_columns=list(columns),
            column_types={**dict.fromkeys(columns, _TEXT), **numeric_types},
            null_values=list(cells.MISSING),
        )
        read = pa.csv.ReadOptions(
            use_threads=False,
            block_size=self._block,
            column_names=self.head.names,
            skip_rows=self.head.lines,
        )
        lines = self.report and csv_lines.LinePlaces(self.name, self.head.lines + 1, self.report)
        parse = pa.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=lines.skip if lines else None)
        missing = {name: self._missing_spellings(name) for name in columns if name not in numeric}
        at = 0
        with self._open_for_arrow() as file, pa.csv.open_csv(file, read, parse, convert) as reader:
            for batch in _insert_lines(reader, lines) if lines else reader:
                columns_ = [(name, self._without_marks(name, batch.column(name), at)) for name in batch.schema.names]
                arrays = [
                    self._convert_numbers(name, values, at, whole=numeric[name])
                    if name in numeric
                    else _replace_by_null(values, missing[name])
                    for name, values in columns_
                ]
                converted = pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)
                yield converted.slice(max(0, skipped - at))
                at += batch.num_rows

    @contextmanager
    def _open_for_arrow(self) -> Iterator[pa.NativeFile]:
        """Open the file as a native file of Arrow; BadDataError for a damaged gzip stream.

        Arrow's threads read ahead. With a Python file object they wait for the interpreter, and a thread that still
        waits when the interpreter shuts down ends the process with SIGABRT.
        """
        try:
            with pa.OSFile(str(self.path)) as file:
                yield pa.CompressedInputStream(file, "gzip") if csv_head.is_gzip(self.path) else file
        except OSError as error:
            if error.errno is not None or not csv_head.is_gzip(self.path):
                raise
            raise csv_head.damaged_gzip_error(self.path, error) from None  # Arrow's own errors have no number

    def _is_whole(self, name: str) -> bool | None:
        """Return whether a column has whole numbers, None for a column of text. One-hot columns have whole numbers."""
        if name in self.texts:
            return None
        if name == self.schema.target:
            return None if isinstance(self.schema.cover_types[0].label, str) else True
        if name == SPLIT:
            return None
        try:
            column = self.schema.column(name)
        except KeyError:
            return True
        return None if column.categorical else not column.dtype.startswith("float")

    def _missing_spellings(self, name: str) -> pa.Array:
        """Return the spellings of a missing value in a column of text: those that are not names of this column."""
        if name in self.texts:
            return pa.array([], pa.string())
        if name == self.schema.target:
            names = {str(cover_type.label) for cover_type in self.schema.cover_types}
        else:
            names = set() if name == SPLIT else set(self.schema.column(name).values)
        return pa.array([spelling for spelling in cells.MISSING if spelling not in names], pa.string())

    def _without_marks(self, name: str, values: pa.Array, first: int) -> pa.Array:
        """Return a column with null for text that is not UTF-8, which is reported."""
        if not self.marked or not self.report or not (self._as_text or pa.types.is_dictionary(values.type)):
            return values
        if not (found := csv_lines.find_marked(values)):
            return values
        for at in found:
            what = f"a cell of column {name!r} is not UTF-8 text"
            self.report(BadRowError(what, row=first + at, file=self.name, fix=csv_lines.FIX), name)
        keep = np.ones(len(values), bool)
        keep[found] = False
        return values.take(pa.array(np.arange(len(values)), mask=~keep))

    def _convert_numbers(self, name: str, values: pa.Array, first: int, *, whole: bool) -> pa.Array:
        """Return a column as numbers, if it was read as text. Its cells are all true and false, or all numbers."""
        if not self._as_text:
            return values
        text = cells.strip_and_mark_missing(values)
        while True:
            try:
                return self._convert_text(name, text, whole=whole)
            except cells.CellError as error:
                what = f"{error.cell} in column {name!r} {error.problem}"
                bad = BadRowError(what, row=first + error.at, file=self.name, fix=error.fix)
                if self.report is None:
                    raise bad from None
                self.report(bad, name)
                text = pc.if_else(pa.array(np.arange(len(text)) != error.at), text, pa.scalar(None, pa.string()))

    def _convert_text(self, name: str, text: pa.Array, *, whole: bool) -> pa.Array:
        """Return a column as numbers; CellError for a cell that is not of the kind of the cells before it.

        If one batch has both kinds, true and false are the mistakes. Otherwise a cell that is reported would decide
        about the cells behind it.
        """
        flags = cells.boolean_mask(text)
        seen = self._seen.get(name, set())
        kinds = seen | set(pc.unique(flags.drop_null()).to_pylist())
        booleans_fit = name != self.schema.target or labels.are_booleans(self.schema)
        if len(kinds) > 1 or (True in kinds and not booleans_fit):
            wrong = seen != {True}
            at = pc.index(flags, value=wrong).as_py()
            if at >= 0:
                problem = "is not a number" if wrong else "is neither true nor false"
                raise cells.CellError(at, spelling.quote(text[at].as_py()), problem)
        self._seen[name] = kinds
        if True in kinds:
            return cells.parse_booleans(text)
        return cells.parse_whole_numbers(text) if whole else cells.parse_numbers(text)

    def _to_bad_data(self, reason: str) -> BadDataError:
        """Return the error for one of Arrow's messages, with the column and the line if Arrow names them."""
        if found := _INVALID_UTF8.match(reason):
            column, line = found.groups()
            what = f"a cell of column {self.head.names[int(column)]!r} is not UTF-8 text"
            return BadDataError(what, where=self._line_reference(line), fix=csv_lines.FIX)
        if found := _WRONG_COLUMN_COUNT.match(reason):
            line, expected, count = found.groups()
            what = f"{count} columns instead of {expected}"
            return BadDataError(what, where=self._line_reference(line), fix="correct the line")
        if _ROW_TOO_LONG in reason:
            what = f"a row has more than {_LONGEST_BLOCK:,} bytes"
            return BadDataError(what, where=self.name, fix="check for a quote that does not end")
        what = f"not a CSV table ({reason.splitlines()[0][:200]})"
        return BadDataError(what, where=self.name, fix="write it again")

    def _line_reference(self, number: str | None) -> str:
        return f"line {number} of {self.name}" if number else self.name


def _insert_lines(reader: pa.csv.CSVStreamingReader, lines: csv_lines.LinePlaces) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a reader with rows of nulls in the places of the lines that it skipped."""
    for batch in reader:
        yield lines.insert(batch)
    if (rest := lines.rest(reader.schema)) is not None:
        yield rest


def _replace_by_null(values: pa.DictionaryArray, missing: pa.Array) -> pa.DictionaryArray:
    """Return text with null for the cells whose text is in ``missing``."""
    in_dictionary = pc.is_in(values.dictionary, missing)
    if not pc.any(in_dictionary).as_py():
        return values
    indices = pc.if_else(in_dictionary.take(values.indices), pa.scalar(None, values.indices.type), values.indices)
    return pa.DictionaryArray.from_arrays(indices, values.dictionary)
