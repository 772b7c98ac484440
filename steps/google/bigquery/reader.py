"""Read a BigQuery table, or the result of a query, as a source.

A table has no row order: two reads may differ in order, and results that depend on order then differ a little. A query
that orders by all columns returns the same order every time. Google's libraries are imported only when a table is read.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps import tables
from steps.core import runtime
from steps.core.errors import UsageError
from steps.google.bigquery.address import parse_address, source_name
from steps.google.bigquery.connection import connect_to_source
from steps.sources import layouts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from google.cloud import bigquery

    from steps.google.bigquery.rows import Rows
    from steps.schema import Schema
    from steps.sources.reading import Reading

# The kinds of table that the Storage Read API can read. All others need a query.
_STORED = ("TABLE", "SNAPSHOT")


@dataclass(frozen=True)
class Needed:
    """The columns of a table that are read.

    Attributes:
        schema: The schema of the source.
        labelled: Whether the table must have labels. A table to predict may have them.
        others: The names of further columns, which are read if the table has them.
    """

    schema: Schema
    labelled: bool = True
    others: tuple[str, ...] = ()

    def columns(self, names: Sequence[str], where: str) -> list[str]:
        """Return the columns to read, in the order of the schema. The other columns are ignored.

        Args:
            names: The column names of the table.
            where: The source, for error messages.

        Raises:
            BadDataError: A column is missing.
        """
        schema, given = self.schema, set(names)
        if self.labelled:
            layouts_ = (wanted for _, wanted in layouts.possible_layouts(schema) if given.issuperset(wanted))
            known = {*next(layouts_, names), tables.SPLIT}
            layout = layouts.recognise_layout(schema, [name for name in names if name in known], where)
            found = [*layouts.source_columns(schema, layout), schema.target]
        else:
            found = layouts.recognise_features(schema, names, where).feature_columns(schema)
            found += [schema.target] if schema.target in given else []
        return list(dict.fromkeys([*found, *(name for name in self.others if name in given)]))


def read(uri: str, needed: Needed, reading: Reading) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a table or of the result of a query.

    Args:
        uri: The address.
        needed: The columns.
        reading: The options for BigQuery.

    Raises:
        NoInputError: There is no such table, dataset or project.
        DeniedError: There are no credentials, or a permission is missing, which the message names.
        BadDataError: The columns are not those of the schema.
        UsageError: The query is wrong, or would bill more than the limit.
        TransientError: The service or the connection failed until retries ended.
    """
    with connect_to_source(uri, reading) as client:
        rows = _query_rows if reading.query else _table_rows
        yield from rows(client, uri, needed, reading).batches(client)


def _table_rows(client: bigquery.Client, uri: str, needed: Needed, reading: Reading) -> Rows:
    """Return the rows of a table. A view is read by a query of its columns."""
    from steps.google.bigquery.rows import Rows

    table = _get_table(client, uri, reading)
    columns = needed.columns([field.name for field in table.schema], uri)
    if table.table_type not in _STORED:
        if reading.snapshot:
            what = f"this is a {table.table_type.lower()}, of which BigQuery keeps no snapshots"
            raise UsageError(what, where=uri, fix="leave --snapshot-time out")
        listed = ", ".join(f"`{column}`" for column in columns)
        # The names come from BigQuery and contain no backquote.
        sql = f"SELECT {listed} FROM `{table.project}.{table.dataset_id}.{table.table_id}`"  # noqa: S608
        return _result_rows(client, sql, uri, needed, reading)
    runtime.log(f"{uri}: last changed {table.modified:%Y-%m-%dT%H:%M:%SZ}, {table.num_rows:,} rows")
    return Rows(table.reference, _fields(table.schema, columns), reading.snapshot, None, uri)


def _query_rows(client: bigquery.Client, uri: str, needed: Needed, reading: Reading) -> Rows:
    return _result_rows(client, reading.query, source_name(uri, reading), needed, reading)


def _result_rows(client: bigquery.Client, sql: str, where: str, needed: Needed, reading: Reading) -> Rows:
    from steps.google.bigquery import query as bigquery_query
    from steps.google.bigquery.rows import Rows

    query = bigquery_query.Query(sql, where, reading.snapshot, reading.maximum_bytes_billed)
    table, fields, count = bigquery_query.run_query(client, query, lambda names: needed.columns(names, where))
    columns = needed.columns([field.name for field in fields], where)
    return Rows(table, _fields(fields, columns), None, count, where)


def _fields(fields: Sequence[bigquery.SchemaField], columns: Sequence[str]) -> list[bigquery.SchemaField]:
    by_name = {field.name: field for field in fields}
    return [by_name[column] for column in columns]


def version_of(uri: str, reading: Reading) -> str | None:
    """Return an identifier of the current rows of a source, None if the next read may return other rows.

    A table is identified by its time of change, a query by its text and its snapshot time. Errors are those of
    :func:`read`.
    """
    moment = reading.profile_entries().get("snapshot_time", "")
    if reading.query:
        digest = hashlib.sha256(reading.query.encode()).hexdigest()
        return f"{uri} {digest} {moment}" if moment else None
    with connect_to_source(uri, reading) as client:
        table = _get_table(client, uri, reading)
    if table.table_type not in _STORED or (table.streaming_buffer and not moment):
        return None
    return f"{uri} {moment or table.modified.isoformat()} {table.created.isoformat()}"


def _get_table(client: bigquery.Client, uri: str, reading: Reading) -> bigquery.Table:
    from steps.google.bigquery.client import REQUEST_SECONDS, request_retry
    from steps.google.bigquery.errors import translate_errors

    address = parse_address(uri, reading)
    with translate_errors(uri):
        name = f"{address.project}.{address.dataset}.{address.table}"
        return client.get_table(name, retry=request_retry(), timeout=REQUEST_SECONDS)
