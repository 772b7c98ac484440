"""Read the rows of a request in JSON, CSV or Arrow by the code that reads them for ``predict``.

A value means the same in both: the checks of ranges, categories and layouts are those of ``steps.datasets``. A JSON
value is read as a typed table would be: a text is no number.
"""

from __future__ import annotations

import json
import os
import re
import struct
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa

from steps.core.errors import BadDataError
from steps.datasets import canonical
from steps.serving.refusals import Problem, RefusalError, bad_request, refuse_rows, too_large
from steps.sources import csv_head, layouts
from steps.sources.csv_file import CsvReader
from steps.tables import arrow_stream
from steps.tables.spelling import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from steps.core.errors import BadRowError
    from steps.schema import Schema
    from steps.sources.layouts import Layout

# The largest numbers of columns of a request, and of problems that are searched for.
MOST_COLUMNS = 1_000
MOST_PROBLEMS = 20
_PLACE = "the request"
_LARGEST_INTEGER = 2**63
_COLUMN = re.compile(r"columns? '([^']+)'")


class _EnoughProblemsError(Exception):
    """So many problems were found that it makes no sense to look for more."""


class Problems:
    """Collects what is wrong with the rows of a request."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, str], Problem] = {}

    def add(self, error: BadRowError, column: str) -> None:
        """Add a problem; the first one of a row and column counts."""
        self._found.setdefault((error.row, column), Problem(f"{error.what}: {error.fix}", error.row, column))
        if len(self._found) >= MOST_PROBLEMS:
            raise _EnoughProblemsError

    def refuse(self) -> None:
        """Raise RefusalError if there is a problem."""
        if self._found:
            raise refuse_rows([self._found[key] for key in sorted(self._found)])


def canonical_rows(schema: Schema, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the canonical feature columns of rows with named columns, in any layout that ``predict`` reads.

    Args:
        schema: The schema of the models.
        batch: The rows, also with other columns.

    Raises:
        RefusalError: A column is missing, or a value cannot be used.
    """
    return _to_canonical(schema, recognise_layout(schema, batch.schema.names), batch)


def recognise_layout(schema: Schema, names: Sequence[str]) -> Layout:
    """Return the layout of named columns; RefusalError if a column is missing, or if there are very many."""
    _require_few_columns(names)
    try:
        return layouts.recognise_features(schema, names, _PLACE)
    except BadDataError as error:
        raise _refuse_data(error) from None


def _to_canonical(schema: Schema, layout: Layout, batch: pa.RecordBatch) -> pa.RecordBatch:
    problems = Problems()
    arrays: list[pa.Array] = []
    try:
        arrays = canonical.canonical_columns(schema, layout, batch, 0, _PLACE, problems.add)
    except _EnoughProblemsError:
        pass
    except BadDataError as error:
        raise _refuse_data(error) from None
    problems.refuse()
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(layouts.feature_fields(schema)))


def _require_few_columns(names: Sequence[str]) -> None:
    if len(names) > MOST_COLUMNS:
        raise refuse_rows([Problem(f"{len(names):,} columns, {MOST_COLUMNS:,} are allowed: leave out the others")])


def _refuse_data(error: BadDataError) -> RefusalError:
    """Return the refusal for an error of the code that reads tables."""
    reason = f"{error.what}: {error.fix}" if error.fix else error.what
    if error.where and error.where != _PLACE:
        reason = f"{reason} ({error.where})"
    column = _COLUMN.search(error.what)
    return refuse_rows([Problem(reason, None, column[1] if column else None)])


def require_few_rows(count: int, most: int) -> None:
    """Raise RefusalError for more rows than are allowed, or for none."""
    if count > most:
        raise too_large(f"{count:,} rows, {most:,} are allowed in a request: send several")
    if not count:
        raise refuse_rows([Problem("there are no rows: send at least one")])


def read_json(schema: Schema, body: bytes, most_rows: int) -> pa.RecordBatch:
    """Return canonical rows of a JSON body: an object of values, an object of lists, or an array of objects.

    Raises:
        RefusalError: The body is no JSON, or as for :func:`canonical_rows`.
    """
    columns = _json_columns(parse_json(body), most_rows)
    layout = recognise_layout(schema, list(columns))
    require_few_rows(max(map(len, columns.values()), default=0), most_rows)
    categories = () if layout.one_hot else schema.categorical
    arrays = {name: to_array(name, columns[name], text=name in categories) for name in layout.feature_columns(schema)}
    return _to_canonical(schema, layout, pa.RecordBatch.from_pydict(arrays))


def parse_json(body: bytes) -> Any:  # noqa: ANN401 - whatever JSON has
    """Return the values of a JSON body; RefusalError if it has none. A number that is too large is infinite."""
    try:
        try:
            return msgspec.json.decode(body)
        except msgspec.ValidationError:  # a number that no float64 holds: the check of its column says where it is
            return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, msgspec.DecodeError) as error:
        raise bad_request(f"not JSON: {quote(error)}") from None
    except RecursionError:
        raise bad_request("not JSON that can be read: it is nested too deeply") from None


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")


def _json_columns(content: Any, most_rows: int) -> Mapping[str, Sequence[Any]]:  # noqa: ANN401 - whatever JSON has
    """Return the values of each column."""
    if isinstance(content, dict):
        lists = [isinstance(values, list) for values in content.values()]
        if not any(lists):
            return {name: [value] for name, value in content.items()}
        if len({len(values) for values in content.values() if isinstance(values, list)}) > 1 or not all(lists):
            raise refuse_rows([Problem("the columns have different lengths: send one value for each row in each")])
        return content
    if not isinstance(content, list):
        raise refuse_rows([Problem("neither an object nor an array of objects: send one row, or an array of rows")])
    require_few_rows(len(content), most_rows)
    for at, row in enumerate(content):
        if not isinstance(row, dict):
            raise refuse_rows([Problem("this is not an object with a value for each column", at)])
        if row.keys() != content[0].keys():
            name = min(row.keys() ^ content[0].keys())
            raise refuse_rows([Problem("rows 0 and this one do not both have this column", at, name)])
    return {name: [row[name] for row in content] for name in content[0]}


def to_array(name: str, values: Sequence[Any], *, text: bool) -> pa.Array:
    """Return the JSON values of a column as an array.

    Args:
        name: The name of the column, for messages.
        values: The values.
        text: Whether the column may have texts.

    Raises:
        RefusalError: A value is no number, text, truth value or null, or the values are of several of these kinds.
    """
    kinds = set(map(type, values))
    if kinds not in _UNIFORM or (not text and isinstance(values[0], str)):
        _require_one_kind(name, values, text=text)
    try:
        if kinds == {int}:  # Arrow would look at the type of each, which takes four times as long
            return pa.array(np.frombuffer(struct.pack(f"{len(values)}q", *values), np.int64))
        return pa.array(values)
    except (pa.ArrowException, OverflowError, struct.error):
        return pa.array([str(value) if text else _to_float(value) for value in values])
    except UnicodeEncodeError:
        raise refuse_rows([Problem("this is not a text in Unicode: correct it", None, name)]) from None


def _require_one_kind(name: str, values: Sequence[Any], *, text: bool) -> None:
    """Raise RefusalError as :func:`to_array` does."""
    first: str | None = None
    for at, value in enumerate(values):
        if value is None:
            continue
        kind = _KINDS.get(type(value))
        if kind is None:
            raise refuse_rows([Problem("neither a number nor a text: send one value", at, name)])
        if kind == _TEXT and not text:
            reason = f"{quote(value)} is a text, a number is needed: write it without quotes"
            raise refuse_rows([Problem(reason, at, name)])
        first = first or kind
        if first != kind:
            raise refuse_rows([Problem(f"this is {kind}, values before it are not: send one kind", at, name)])


_TEXT = "a text"
_KINDS: dict[type, str] = {int: "a number", float: "a number", str: _TEXT, bool: "a truth value"}
# Types of the values of a column that need no look at each value.
_UNIFORM: list[set[type]] = [{int}, {float}, {int, float}, {str}, {bool}]


def _to_float(value: Any) -> float | None:  # noqa: ANN401 - a number or None
    """Return a number as float64, in which one above 64 bits stays out of the range of every whole number."""
    try:
        return None if value is None else float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def read_csv(schema: Schema, body: bytes, most_rows: int) -> pa.RecordBatch:
    """Return canonical rows of a CSV body, with or without a header; RefusalError as for :func:`canonical_rows`."""
    problems, batches, count = Problems(), [], 0
    with _as_file(body) as path:
        try:
            head = csv_head.read_head(path, _PLACE, schema, labelled=False)
            layout = recognise_layout(schema, head.names)
            reader = CsvReader(path, _PLACE, head, schema, (), problems.add)
            for batch in reader.batches(layout.feature_columns(schema)):
                count += batch.num_rows
                require_few_rows(max(count, 1), most_rows)
                batches.append(batch)
        except _EnoughProblemsError:
            pass
        except BadDataError as error:
            raise _refuse_data(error) from None
    problems.refuse()
    require_few_rows(count, most_rows)
    return _to_canonical(schema, layout, _join(batches))


def _join(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Return batches as one."""
    return pa.Table.from_batches(batches).unify_dictionaries().combine_chunks().to_batches()[0]


@contextmanager
def _as_file(body: bytes) -> Iterator[Path]:
    """Yield the path of a file with a body, in memory if the system has such files."""
    if hasattr(os, "memfd_create"):
        number = os.memfd_create("request")
        try:
            with os.fdopen(os.dup(number), "wb") as file:
                file.write(body)
            yield Path(f"/proc/self/fd/{number}")
        finally:
            os.close(number)
        return
    with tempfile.NamedTemporaryFile() as temporary:
        temporary.write(body)
        temporary.flush()
        yield Path(temporary.name)


def read_arrow(schema: Schema, body: bytes, most_rows: int) -> pa.RecordBatch:
    """Return canonical rows of a stream of Arrow; RefusalError as for :func:`canonical_rows`."""
    batches, count, layout = [], 0, None
    try:
        for batch in arrow_stream.read(body):
            count += batch.num_rows
            require_few_rows(max(count, 1), most_rows)
            layout = layout or recognise_layout(schema, batch.schema.names)
            batches.append(batch.select(layout.feature_columns(schema)))
        require_few_rows(count, most_rows)
        if layout is None:
            raise refuse_rows([Problem("there are no rows: send at least one")])
        return _to_canonical(schema, layout, _join(batches))
    except arrow_stream.BadStreamError as error:
        raise bad_request(f"not a stream of Arrow: {error}") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise bad_request(f"not a stream of Arrow that can be read: {quote(error)}") from None
