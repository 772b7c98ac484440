"""Open a source by a local URI (``builtin:``, a path or ``file://``) and read it as record batches.

Files are CSV, gzipped CSV or parquet. A path may have wildcards: the matching files are one table, in the order of
their names. ``steps.io`` fetches remote sources (``gs://``, ``s3://``, ``bq://``) to local files and opens those here.
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
from steps.sources.csv_file import CsvReader

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import pyarrow as pa

    from steps.core.errors import BadRowError
    from steps.schema import Schema
    from steps.sources.layouts import Layout

_CSV_KINDS = (".csv", ".csv.gz", ".data", ".data.gz")
# The columns in which pandas stores the index of a data frame, which is not part of the table.
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


@dataclass(frozen=True)
class SourceFile:
    """One file of a source.

    Attributes:
        path: The file.
        name: The name of the file in messages.
        names: The column names.
        schema: The schema of the source.
        head: The header of a CSV file; None for parquet.
    """

    path: Path
    name: str
    names: tuple[str, ...]
    schema: Schema
    head: csv_head.Head | None = None

    def batches(
        self,
        columns: Sequence[str],
        texts: Collection[str] = (),
        report: Callable[[BadRowError, str], None] | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Yield record batches with the given source columns.

        Args:
            columns: The names of the columns.
            texts: Those that are text in a CSV file, whatever is in them.
            report: Called with the error of a cell or a line in a CSV file, see ``csv_file.CsvReader``. None to raise
                the error.

        Raises:
            BadDataError: The file is damaged, or a cell of a numeric CSV column is not a number.
        """
        with _name_in_errors(self.path, self.name):
            if self.head:
                yield from CsvReader(self.path, self.name, self.head, self.schema, texts, report).batches(columns)
            else:
                yield from tables.read_batches(self.path, columns)


@dataclass(frozen=True)
class Source:
    """A table that can be read repeatedly, always in the same order.

    Attributes:
        name: The name of the source in messages.
        files: The files in the order of their rows. All are of one kind and have the same columns.
        layout: The layout of the columns.
        schema: The schema of the source.
    """

    name: str
    files: tuple[SourceFile, ...]
    layout: Layout
    schema: Schema

    def batches(
        self, columns: Sequence[str], report: Callable[[BadRowError, str], None] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield record batches with the given source columns; see :meth:`SourceFile.batches`."""
        for file in self.files:
            yield from file.batches(columns, report=report)

    def sha256(self) -> str:
        """Return the SHA-256 of the single file, or that of the digests of several files in their order."""
        digests = [storage.sha256_file(file.path) for file in self.files]
        return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def resolve_paths(uri: str, schema: Schema) -> list[Path]:
    """Return the local files that a source URI names, in the order in which they are read.

    Raises:
        UsageError: The scheme is not supported.
        BadConfigurationError: The URI is ``builtin:``, but the schema has no builtin table.
        NoInputError: There is no such file.
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


def open_source(uri: str, schema: Schema, *, labelled: bool = True) -> Source:
    """Open a local source and recognise its layout; errors as for :func:`resolve_paths` and :func:`open_files`."""
    paths = resolve_paths(uri, schema)
    name = paths[0].name if len(paths) == 1 else Path(uri).name
    return open_files([(path, path.name) for path in paths], schema, name, labelled=labelled)


def open_files(named: Sequence[tuple[Path, str]], schema: Schema, name: str, *, labelled: bool = True) -> Source:
    """Open files as one table.

    Args:
        named: The path of each file, and its name in messages.
        schema: The schema of the source.
        name: The name of the table in messages.
        labelled: Whether it is a table to train on, which must have labels and no other columns than the schema. A
            table to predict needs the features only.

    Raises:
        BadDataError: A file is empty, has other columns than the first, or has no known layout.
        UsageError: A file is of an unknown kind, or of another kind than the first.
    """
    files = tuple(_open_file(path, called, schema, labelled=labelled) for path, called in named)
    first = files[0]
    for file in files[1:]:
        if (file.head is None) != (first.head is None):
            raise UsageError("there are CSV files and parquet files", where=name, fix="name files of one kind")
        if odd := sorted(set(file.names) ^ set(first.names)):
            what = f"column {odd[0]!r} is not in both {first.name} and {file.name}"
            raise BadDataError(what, where=name, fix="name files of one table")
    if not labelled:
        return Source(name, files, layouts.recognise_features(schema, first.names, first.name), schema)
    layout = layouts.recognise_layout(schema, first.names, first.name)
    for column in layout.left_out:
        words = f"column {column!r}" if column else "the first column, which has no name,"
        runtime.log(f"{name}: {words} is left out, because it numbers the rows")
    return Source(name, files, layout, schema)


def check_kind(path: Path) -> None:
    """Raise BadDataError if a file is empty, and UsageError if its name does not end like one that can be read."""
    if not path.stat().st_size:
        raise BadDataError("the file is empty", where=str(path), fix="write it again")
    if not (path.name.lower().endswith(_CSV_KINDS) or _is_parquet(path)):
        fix = "use .csv, .csv.gz, .data or .parquet"
        raise UsageError(f"unknown kind of file {path.suffix!r}", where=str(path), fix=fix)


def _open_file(path: Path, name: str, schema: Schema, *, labelled: bool) -> SourceFile:
    with _name_in_errors(path, name):
        check_kind(path)
        if path.name.lower().endswith(_CSV_KINDS):
            head = csv_head.read_head(path, name, schema, labelled=labelled)
            return SourceFile(path, name, head.names, schema, head)
        with tables.open_parquet(path) as file:
            names = tuple(column for column in file.schema_arrow.names if not _PANDAS_INDEX.fullmatch(column))
        return SourceFile(path, name, names, schema)


@contextmanager
def _name_in_errors(path: Path, name: str) -> Iterator[None]:
    """Replace the path of a fetched file, which is temporary, by its name in errors."""
    try:
        yield
    except (BadDataError, UsageError) as error:
        if name == path.name or error.where != str(path):
            raise
        raise type(error)(error.what, where=name, fix=error.fix) from None


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"
