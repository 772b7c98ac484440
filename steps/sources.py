"""Source tables by URI: ``builtin:``, a path or ``file://``; CSV, CSV.gz or parquet, read as record batches.

A path may hold wildcards: the files it matches are one table, in the order of their names. What lies elsewhere
(``gs://``, ``bq://``) is fetched by ``steps.staging`` and then opened here.
"""

from __future__ import annotations

import csv
import glob
import gzip
import hashlib
import re
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import pyarrow as pa
import pyarrow.csv as pc

from steps import schema as schemas
from steps import shapes, storage, tables, uris
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
class File:
    """One file of a source: ``name`` is what messages call it, ``names`` are its columns."""

    path: Path
    name: str
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
        with _called(self.path, self.name):
            yield from _csv_batches(self, columns) if self.is_csv else tables.batches(self.path, columns)


@dataclass(frozen=True)
class Source:
    """A table that can be read as often as needed, always in the same order: that of its files, one after another.

    All files are of one kind and have the same columns.
    """

    name: str
    files: tuple[File, ...]
    shape: Shape
    schema: Schema

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield record batches with the given source columns; errors as :meth:`File.batches`."""
        for file in self.files:
            yield from file.batches(columns)

    def sha256(self) -> str:
        """Return the digest of a single file's bytes, or that of the files' digests in their order."""
        digests = [storage.sha256_file(file.path) for file in self.files]
        return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def resolve(uri: str, schema: Schema) -> list[Path]:
    """Return the local files a source URI names, in the order in which they are read.

    Raises:
        UsageError: the scheme is not supported.
        BadConfigurationError: ``builtin:`` is asked of a schema without a builtin table.
        NoInputError: there is no such file.
    """
    address = uris.parse(uri)
    if address.kind == uris.BUILTIN:
        if not schema.builtin_table:
            raise BadConfigurationError(
                f"schema {schema.name!r} has no builtin table", where="--source", fix="name a file with --source"
            )
        return [schemas.DATA / schema.builtin_table]
    path = address.path
    if path.is_dir():
        raise NoInputError("this is a folder, a file is needed", where=uri, fix="name one CSV or parquet file")
    if path.is_file():
        return [path]
    found = sorted(Path(name) for name in glob.glob(str(path)))  # noqa: PTH207 - also of absolute paths
    if not any(match.is_file() for match in found):
        raise NoInputError("no such file", where=uri, fix="check --source")
    return [match for match in found if match.is_file()]


def open_source(uri: str, schema: Schema) -> Source:
    """Open a local source: look at its columns and tell its shape; errors as :func:`resolve` and :func:`open_files`."""
    paths = resolve(uri, schema)
    name = paths[0].name if len(paths) == 1 else Path(uri).name
    return open_files([(path, path.name) for path in paths], schema, name)


def open_files(named: Sequence[tuple[Path, str]], schema: Schema, name: str) -> Source:
    """Open files (path, and what messages call it) as one table called ``name``.

    Raises:
        BadDataError: a file is empty, or its columns are not those of the first; and as ``shapes.recognise``.
        UsageError: a file is of an unknown kind, or of another one than the first.
    """
    files = tuple(_open_file(path, called, schema) for path, called in named)
    first = files[0]
    for file in files[1:]:
        if file.is_csv != first.is_csv:
            raise UsageError("CSV and parquet files together", where=name, fix="name files of one kind")
        if odd := sorted(set(file.names) ^ set(first.names)):
            what = f"column {odd[0]!r} is not in both of {first.name} and {file.name}"
            raise BadDataError(what, where=name, fix="name files of one table")
    return Source(name, files, shapes.recognise(schema, first.names, first.name), schema)


def _open_file(path: Path, name: str, schema: Schema) -> File:
    with _called(path, name):
        if not path.stat().st_size:
            raise BadDataError("the file is empty", where=str(path), fix="write it again")
        if path.name.lower().endswith(_CSV_KINDS):
            return File(path, name, *_csv_names(path, name, schema), schema)
        if not _is_parquet(path):
            fix = "use .csv, .csv.gz, .data or .parquet"
            raise UsageError(f"unknown kind of file {path.suffix!r}", where=str(path), fix=fix)
        with tables.opened(path) as file:
            names = tuple(column for column in file.schema_arrow.names if not _PANDAS_INDEX.fullmatch(column))
        return File(path, name, names, header=True, schema=schema)


@contextmanager
def _called(path: Path, name: str) -> Iterator[None]:
    """Let errors about a file that was fetched say where it came from, as its path is a temporary one."""
    try:
        yield
    except (BadDataError, UsageError) as error:
        if name == path.name or error.where != str(path):
            raise
        raise type(error)(error.what, where=name, fix=error.fix) from None


def _csv_names(path: Path, name: str, schema: Schema) -> tuple[tuple[str, ...], bool]:
    """Return a CSV file's column names and whether its first line holds them: a line of numbers alone does not."""
    with _binary(path) as file:
        raw = file.readline(_LONGEST_LINE)
    if b"\0" in raw or len(raw) == _LONGEST_LINE:
        raise BadDataError("this is no UTF-8 text", where=name, fix="name the file after what is in it")
    first = raw.decode("utf-8-sig", errors="replace").strip()
    if not first:
        raise BadDataError("the first line is empty", where=name, fix="write the header or the first row there")
    if "," not in first and (found := next((mark for mark in ";\t" if mark in first), "")):
        raise BadDataError(f"columns are separated by {found!r}", where=name, fix="separate them by commas")
    cells = tuple(cell.strip() for cell in next(csv.reader([first])))
    if any(_is_number(cell) for cell in cells):
        return tuple(shapes.headerless_names(schema, len(cells), name)), False
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


def _csv_batches(source: File, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
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


def _explained(reason: str, source: File) -> BadDataError:
    """Return Arrow's error message about a CSV file with the column's name and the line, where it tells them."""
    name = source.name
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
