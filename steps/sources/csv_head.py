"""The first line of a CSV file: its column names, or an error that says what the file is instead."""

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
from steps.sources import layouts as shapes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steps.schema import Schema

# A first line is looked for in so many bytes, then in ever more up to the most.
_FIRST_BYTES, _MOST_BYTES = 1 << 16, 1 << 24
_SEPARATORS = {";": "';'", "\t": "tabs", "|": "'|'"}
# What Excel writes above a header to name the separator.
_EXCEL = re.compile(r'"?sep=.?"?[ ,;\t\r]*$', re.IGNORECASE | re.MULTILINE)
_DECIMAL_COMMA = re.compile(r"\d,\d")
# How files of other kinds begin, what they are, and what to do.
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
    """A CSV file's column names, and how many of its lines hold them: none where it has no header."""

    names: tuple[str, ...]
    lines: int


@contextmanager
def _open_bytes(path: Path) -> Iterator[BinaryIO]:
    """Open a plain or gzip file for reading; a damaged gzip stream ends as BadDataError."""
    try:
        with gzip.open(path) if is_gzip(path) else path.open("rb") as file:
            yield cast("BinaryIO", file)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise damaged_gzip(path, error) from None


def is_gzip(path: Path) -> bool:
    """Whether a file is gzip by its name."""
    return path.suffix.lower() == ".gz"


def damaged_gzip(path: Path, error: Exception) -> BadDataError:
    """Return the error for a gzip stream that is damaged or ends too soon."""
    return BadDataError(f"not a whole gzip file ({error})", where=path.name, fix="fetch it again")


def read(path: Path, name: str, schema: Schema) -> Head:
    """Return a CSV file's column names: those of its first line, or without a header those of its layout.

    Raises:
        BadDataError: the file is no text in UTF-8 whose columns are separated by commas; the message says what it is.
    """
    with _open_bytes(path) as file:
        data = file.read(_FIRST_BYTES)
        _check_kind(data, name)
        cells, text, lines = _first_record(file, data, name)
    if not text.strip():
        raise BadDataError("the first line is empty", where=name, fix="write the header or the first row there")
    _check_dialect(schema, cells, data.decode("utf-8-sig", errors="replace"), name)
    if shapes.is_header(schema, cells):
        return Head(cells, lines)
    return Head(tuple(shapes.headerless_names(schema, len(cells), name)), 0)


def _check_kind(data: bytes, name: str) -> None:
    for start, what, fix in _OTHER_KINDS:
        if data[: len(start)].lower() == start.lower():
            raise BadDataError(what, where=name, fix=fix)
    if encoding := textfile.wide_encoding(data):
        what = f"this is {encoding} text, UTF-8 is needed"
        raise BadDataError(what, where=name, fix=f"{textfile.SAVE_AS_UTF8}, with columns separated by commas")


def _first_record(file: BinaryIO, data: bytes, name: str) -> tuple[tuple[str, ...], str, int]:
    """Return the cells of the first record, its text and its number of lines; quoted cells may hold line breaks.

    Args:
        file: where to read on.
        data: what was read of it.
        name: what messages call it.
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
            what = f"the first line holds a cell of more than {csv.field_size_limit():,} characters"
            what = what if "field limit" in str(error) else f"the first line is no line of a CSV file ({error})"
            raise BadDataError(what, where=name, fix="does a quote not end, or is this no table?") from None
        if lines.tell() < len(text) or not more:
            break
        if len(data) > _MOST_BYTES:
            what = f"the first line has more than {_MOST_BYTES:,} bytes"
            raise BadDataError(what, where=name, fix="is this a table as CSV?")
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
    """Refuse a first line that is a comment, or that another separator than the comma cuts into what is expected."""
    if found := _EXCEL.match(text):
        what = f"the first line is {found[0].strip()!r}, which only Excel understands"
        raise BadDataError(what, where=name, fix="remove it, and separate columns by commas")
    layouts = [names for _, names in shapes.possible(schema)]
    known, counts = {name for names in layouts for name in names}, {len(names) for names in layouts}
    if known.intersection(cells) or len(cells) in counts:
        return
    if cells[0].startswith("#"):
        raise BadDataError("the first line is a comment", where=name, fix="begin with the header or the first row")
    head, *others = text.splitlines()
    for separator, shown in _SEPARATORS.items():
        other = [cell.strip().strip('"') for cell in head.split(separator)]
        if len(other) > 1 and (len(cells) == 1 or known.intersection(other) or len(other) in counts):
            decimal = any(_DECIMAL_COMMA.search(line) for line in others[:1] or [head])
            fix = "separate them by commas" + (", and write numbers with a decimal point" if decimal else "")
            raise BadDataError(f"columns are separated by {shown}", where=name, fix=fix)
