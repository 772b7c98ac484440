"""Source tables by URI: ``builtin:``, a path or ``file://``; CSV, CSV.gz or parquet, read as record batches."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.csv as pc

from steps import schema as schemas
from steps import shapes, tables
from steps.errors import BadConfigurationError, BadDataError, NoInputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from steps.schema import Schema
    from steps.shapes import Shape

_CSV_BLOCK = 8 << 20
_LONGEST_LINE = 1 << 20
_CSV_KINDS = (".csv", ".csv.gz", ".data", ".data.gz")
# What pandas calls the column in which it keeps a table's row labels: it belongs to pandas, not to the table.
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")
# How Arrow words the two errors a CSV file usually has.
_NO_NUMBER = re.compile(
    r"In CSV column #(\d+): (?:Row #(\d+): )?CSV conversion error to \S+: invalid value '(.*)'", re.DOTALL
)
_COUNT = re.compile(r"CSV parse error: (?:Row #(\d+): )?Expected (\d+) columns, got (\d+)")


@dataclass(frozen=True)
class Source:
    """A table that can be read as often as needed, always in the same order."""

    path: Path
    shape: Shape
    names: tuple[str, ...]
    header: bool
    schema: Schema

    @property
    def is_csv(self) -> bool:
        """Whether the file is CSV and not parquet."""
        return not _is_parquet(self.path)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield record batches with the given source columns.

        Raises:
            BadDataError: the file is damaged, or a CSV cell is no number where one is needed.
        """
        if self.is_csv:
            return _csv_batches(self, columns)
        return tables.batches(self.path, columns)


def resolve(uri: str, schema: Schema) -> Path:
    """Return the local file a source URI names.

    Raises:
        UsageError: the scheme is not supported.
        BadConfigurationError: ``builtin:`` is asked of a schema without a builtin table.
        NoInputError: there is no such file.
    """
    parts = urlsplit(uri)
    if uri == "builtin:":
        if not schema.builtin_table:
            raise BadConfigurationError(
                f"schema {schema.name!r} has no builtin table", where="--source", fix="name a file with --source"
            )
        return schemas.DATA / schema.builtin_table
    if parts.scheme == "file":
        path = Path(unquote(parts.path))
    elif "://" in uri:
        raise UsageError(
            f"unknown kind of source {parts.scheme}://", where="--source", fix="use builtin:, a path or file://"
        )
    else:
        path = Path(uri)
    if path.is_dir():
        raise NoInputError("this is a folder, a file is needed", where=uri, fix="name one CSV or parquet file")
    if not path.is_file():
        raise NoInputError("no such file", where=uri, fix="check --source")
    return path


def open_source(uri: str, schema: Schema) -> Source:
    """Open a source: look at its columns and tell its shape; errors as :func:`resolve` and ``shapes.recognise``."""
    path = resolve(uri, schema)
    if not path.stat().st_size:
        raise BadDataError("the file is empty", where=uri, fix="write it again")
    if _is_parquet(path):
        with tables.opened(path) as file:
            names = tuple(name for name in file.schema_arrow.names if not _PANDAS_INDEX.fullmatch(name))
        header = True
    elif path.name.lower().endswith(_CSV_KINDS):
        names, header = _csv_names(path, schema)
    else:
        raise UsageError(f"unknown kind of file {path.suffix!r}", where=uri, fix="use .csv, .csv.gz, .data or .parquet")
    return Source(path, shapes.recognise(schema, names, path.name), names, header, schema)


def _csv_names(path: Path, schema: Schema) -> tuple[tuple[str, ...], bool]:
    """Return a CSV file's column names and whether its first line holds them: a line of numbers alone does not."""
    with _binary(path) as file:
        raw = file.readline(_LONGEST_LINE)
    if b"\0" in raw or len(raw) == _LONGEST_LINE:
        raise BadDataError("this is no UTF-8 text", where=path.name, fix="name the file after what is in it")
    first = raw.decode("utf-8-sig", errors="replace").strip()
    if not first:
        raise BadDataError("the first line is empty", where=path.name, fix="write the header or the first row there")
    if "," not in first and (found := next((mark for mark in ";\t" if mark in first), "")):
        raise BadDataError(f"columns are separated by {found!r}", where=path.name, fix="separate them by commas")
    cells = tuple(cell.strip() for cell in next(csv.reader([first])))
    if any(_is_number(cell) for cell in cells):
        return tuple(shapes.headerless_names(schema, len(cells), path.name)), False
    return cells, True


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.lower() != "nan"


@contextmanager
def _binary(path: Path) -> Iterator[BinaryIO]:
    """Open a plain or gzip file for reading; a damaged gzip stream ends as BadDataError."""
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            yield cast("BinaryIO", file)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadDataError(f"not a whole gzip file ({error})", where=path.name, fix="fetch it again") from None


def _csv_batches(source: Source, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    convert = pc.ConvertOptions(
        include_columns=list(columns),
        column_types={name: _csv_type(source.schema, name) for name in columns},
        null_values=_null_spellings(source.schema),
        strings_can_be_null=True,
    )
    read = pc.ReadOptions(
        use_threads=False,
        block_size=_CSV_BLOCK,
        column_names=source.names,
        skip_rows=1 if source.header else 0,
    )
    try:
        with _binary(source.path) as file, pc.open_csv(file, read, convert_options=convert) as reader:
            yield from reader
    except pa.ArrowException as error:
        raise _explained(str(error), source) from None


def _explained(reason: str, source: Source) -> BadDataError:
    """Return Arrow's error message about a CSV file with the column's name and the line, where it tells them."""
    name = source.path.name
    if found := _NO_NUMBER.match(reason):
        column, line, value = found.groups()
        what = f"{value[:60]!r} in column {source.names[int(column)]!r} is no number"
        return BadDataError(what, where=_line(line, name), fix="correct the cell")
    if found := _COUNT.match(reason):
        line, expected, count = found.groups()
        return BadDataError(f"{count} columns instead of {expected}", where=_line(line, name), fix="correct the line")
    if reason.startswith("Could not skip"):
        return BadDataError("there is no row below the header", where=name, fix="write it again")
    return BadDataError(f"not a table as CSV ({reason.splitlines()[0]})", where=name, fix="write it again")


def _line(number: str | None, name: str) -> str:
    return f"line {number} of {name}" if number else name


def _null_spellings(schema: Schema) -> list[str]:
    """Return the cells that stand for a missing value: Arrow's list without what the schema uses as a name."""
    names = {value for column in schema.columns for value in column.values}
    names |= {str(cover_type.label) for cover_type in schema.cover_types}
    return [spelling for spelling in pc.ConvertOptions().null_values if spelling not in names]


def _csv_type(schema: Schema, name: str) -> pa.DataType:
    """Return how to read a CSV column: numbers as float64, so that ``3.0`` is a 3 and ``NaN`` is seen as missing."""
    if name == schema.target:
        return pa.string() if isinstance(schema.cover_types[0].label, str) else pa.float64()
    categories = {column.name for column in schema.columns if column.categorical}
    return pa.string() if name == tables.SPLIT or name in categories else pa.float64()
