"""Read the column names of a CSV file, and recognise files of other kinds and other CSV dialects."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from steps.core import textfile
from steps.core.errors import BadDataError
from steps.sources import layouts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steps.schema import Schema

# Bytes that are searched for the end of the first line: first, and at most.
_FIRST_BYTES, _MOST_BYTES = 1 << 16, 1 << 24
# Separators other than the comma, and their names in messages.
_SEPARATORS = {";": "';'", "\t": "tabs", "|": "'|'"}
# The line in which Excel declares the separator.
_EXCEL_SEPARATOR = re.compile(r'"?sep=.?"?[ ,;\t\r]*$', re.IGNORECASE | re.MULTILINE)
_DECIMAL_COMMA = re.compile(r"\d,\d")
# The first bytes of files of other kinds, with the problem and the fix.
_OTHER_KINDS = (
    (b"\x1f\x8b", "this is a gzip file", "name it .csv.gz"),
    (b"PAR1", "this is a parquet file", "name it .parquet"),
    (b"PK\x03\x04", "this is a zip file or an Excel workbook", "unpack it, or save the sheet as CSV in UTF-8"),
    (b"\xd0\xcf\x11\xe0", "this is an old Excel or Office file", "save the sheet as CSV in UTF-8"),
    (b"BZh", "this is a bzip2 file", "unpack it, or pack it with gzip"),
    (b"\xfd7zXZ\x00", "this is an xz file", "unpack it, or pack it with gzip"),
    (b"\x28\xb5\x2f\xfd", "this is a zstandard file", "unpack it, or pack it with gzip"),
    (b"ARROW1", "this is an Arrow or Feather file", "write it as parquet"),
    (b"%PDF", "this is a PDF file", "name a CSV file"),
    (b"version https://git-lfs", "this is a pointer of Git LFS, not the file", "fetch it with `git lfs pull`"),
    (b"<!doctype html", "this is a web page", "download the file itself"),
    (b"<html", "this is a web page", "download the file itself"),
)


@dataclass(frozen=True)
class Head:
    """The header of a CSV file.

    Attributes:
        names: The column names: those of the header, or those of the layout if there is no header.
        lines: The number of lines of the header; 0 if there is none.
    """

    names: tuple[str, ...]
    lines: int


@contextmanager
def _open_bytes(path: Path) -> Iterator[BinaryIO]:
    """Open a plain or gzipped file for reading; BadDataError for a damaged gzip stream."""
    try:
        with gzip.open(path) if is_gzip(path) else path.open("rb") as file:
            yield cast("BinaryIO", file)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise damaged_gzip_error(path, error) from None


def is_gzip(path: Path) -> bool:
    """Return whether the name of a file says that it is gzipped."""
    return path.suffix.lower() == ".gz"


def damaged_gzip_error(path: Path, error: Exception) -> BadDataError:
    """Return the error for a gzip stream that is damaged or ends too early."""
    return BadDataError(f"not a complete gzip file ({error})", where=path.name, fix="fetch it again")


def read_head(path: Path, name: str, schema: Schema, *, labelled: bool = True) -> Head:
    """Return the column names of a CSV file.

    Args:
        path: The file, gzipped if its name ends with ``.gz``.
        name: The name of the file in messages.
        schema: The schema of the source, by which a header is distinguished from a first row.
        labelled: Whether there must be labels.

    Raises:
        BadDataError: The file is not UTF-8 text with columns separated by commas. The message says what it is.
    """
    with _open_bytes(path) as file:
        data = file.read(_FIRST_BYTES)
        _check_kind(data, name)
        cells, text, lines = _first_record(file, data, name)
    if not text.strip():
        raise BadDataError("the first line is empty", where=name, fix="write the header or the first row there")
    _check_dialect(schema, cells, data.decode("utf-8-sig", errors="replace"), name)
    if layouts.is_header(schema, cells):
        return Head(cells, lines)
    return Head(tuple(layouts.headerless_names(schema, len(cells), name, labelled=labelled)), 0)


def _check_kind(data: bytes, name: str) -> None:
    for start, what, fix in _OTHER_KINDS:
        if data[: len(start)].lower() == start.lower():
            raise BadDataError(what, where=name, fix=fix)
    if encoding := textfile.wide_encoding(data):
        what = f"this is {encoding} text, UTF-8 is needed"
        raise BadDataError(what, where=name, fix=f"{textfile.SAVE_AS_UTF8}, with columns separated by commas")


def _first_record(file: BinaryIO, data: bytes, name: str) -> tuple[tuple[str, ...], str, int]:
    """Return the cells of the first record, its text, and its number of lines. A quoted cell may have line breaks.

    Args:
        file: The file, positioned after ``data``.
        data: The first bytes of the file.
        name: The name of the file in messages.
    """
    while True:
        more = file.read(1)
        data += more
        text = data.decode("utf-8-sig", errors="replace")
        lines = io.StringIO(text, newline="")
        record = csv.reader(lines)
        try:
            cells = next(record, [])
        except csv.Error as error:
            what = f"the first line has a cell of more than {csv.field_size_limit():,} characters"
            what = what if "field limit" in str(error) else f"the first line is not a line of a CSV file ({error})"
            fix = "check for a quote that does not end, and that this is a table"
            raise BadDataError(what, where=name, fix=fix) from None
        if lines.tell() < len(text) or not more:
            break
        if len(data) > _MOST_BYTES:
            what = f"the first line has more than {_MOST_BYTES:,} bytes"
            raise BadDataError(what, where=name, fix="check that this is a CSV table")
        data += file.read(len(data))
    first = text[: lines.tell()]
    _check_text(first, data, name)
    return tuple(cell.strip() for cell in cells), first, record.line_num


def _check_text(first: str, data: bytes, name: str) -> None:
    if "\0" in first:
        raise BadDataError("there is a NUL byte in the first line", where=name, fix="write the file again as text")
    if "\ufffd" in first and "\ufffd".encode() not in data:
        fix = f"{textfile.SAVE_AS_UTF8} (is it Latin-1 or Windows-1252?)"
        raise BadDataError("the first line is not UTF-8 text", where=name, fix=fix)


def _check_dialect(schema: Schema, cells: tuple[str, ...], text: str, name: str) -> None:
    """Raise BadDataError for a comment as first line, or for columns that are separated by something else than commas.

    The separator is recognised by the column names or the number of columns that it gives.
    """
    if found := _EXCEL_SEPARATOR.match(text):
        what = f"the first line is {found[0].strip()!r}, which only Excel understands"
        raise BadDataError(what, where=name, fix="remove it, and separate columns by commas")
    expected = [names for _, names in layouts.possible_layouts(schema)]
    known, counts = {name for names in expected for name in names}, {len(names) for names in expected}
    if known.intersection(cells) or len(cells) in counts:
        return
    if cells[0].startswith("#"):
        raise BadDataError("the first line is a comment", where=name, fix="begin with the header or the first row")
    head, *others = text.splitlines()
    for separator, words in _SEPARATORS.items():
        other = [cell.strip().strip('"') for cell in head.split(separator)]
        if len(other) > 1 and (len(cells) == 1 or known.intersection(other) or len(other) in counts):
            decimal = any(_DECIMAL_COMMA.search(line) for line in others[:1] or [head])
            fix = "separate them by commas" + (", and write numbers with a decimal point" if decimal else "")
            raise BadDataError(f"columns are separated by {words}", where=name, fix=fix)
