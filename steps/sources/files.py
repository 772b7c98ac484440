"""Source tables by URI: ``builtin:``, a path or ``file://``; CSV, CSV.gz or parquet, read as record batches.

A path may hold wildcards: the files it matches are one table, in the order of their names. What lies elsewhere
(``gs://``, ``bq://``) is fetched by ``steps.sources.staging`` and then opened here.
"""

from __future__ import annotations

import glob
import hashlib
import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from steps import schema as schemas
from steps import tables
from steps.core import runtime, storage, uris
from steps.core.errors import BadConfigurationError, BadDataError, NoInputError, UsageError
from steps.sources import csv_head, layouts
from steps.sources.csv_file import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from steps.schema import Schema
    from steps.sources.layouts import Shape

_CSV_KINDS = (".csv", ".csv.gz", ".data", ".data.gz")
# What pandas calls the column in which it keeps a table's row labels: it belongs to pandas, not to the table.
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


@dataclass(frozen=True)
class File:
    """One file of a source: ``name`` is what messages call it, ``names`` are its columns.

    ``head`` is the first line of a CSV file, None for parquet.
    """

    path: Path
    name: str
    names: tuple[str, ...]
    schema: Schema
    head: csv_head.Head | None = None

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield record batches with the given source columns.

        Raises:
            BadDataError: the file is damaged, or a CSV cell is not a number where one is needed.
        """
        with _called(self.path, self.name):
            if self.head:
                yield from Reader(self.path, self.name, self.head, self.schema).batches(columns)
            else:
                yield from tables.read_batches(self.path, columns)


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
        if (file.head is None) != (first.head is None):
            raise UsageError("CSV and parquet files together", where=name, fix="name files of one kind")
        if odd := sorted(set(file.names) ^ set(first.names)):
            what = f"column {odd[0]!r} is not in both of {first.name} and {file.name}"
            raise BadDataError(what, where=name, fix="name files of one table")
    shape = layouts.recognise(schema, first.names, first.name)
    for column in shape.left_out:
        shown = f"column {column!r}" if column else "the first column, which has no name,"
        runtime.log(f"{name}: {shown} is left out, it numbers the rows")
    return Source(name, files, shape, schema)


def _open_file(path: Path, name: str, schema: Schema) -> File:
    with _called(path, name):
        if not path.stat().st_size:
            raise BadDataError("the file is empty", where=str(path), fix="write it again")
        if path.name.lower().endswith(_CSV_KINDS):
            head = csv_head.read(path, name, schema)
            return File(path, name, head.names, schema, head)
        if not _is_parquet(path):
            fix = "use .csv, .csv.gz, .data or .parquet"
            raise UsageError(f"unknown kind of file {path.suffix!r}", where=str(path), fix=fix)
        with tables.open_parquet(path) as file:
            names = tuple(column for column in file.schema_arrow.names if not _PANDAS_INDEX.fullmatch(column))
        return File(path, name, names, schema)


@contextmanager
def _called(path: Path, name: str) -> Iterator[None]:
    """Let errors about a file that was fetched say where it came from, as its path is a temporary one."""
    try:
        yield
    except (BadDataError, UsageError) as error:
        if name == path.name or error.where != str(path):
            raise
        raise type(error)(error.what, where=name, fix=error.fix) from None


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"
