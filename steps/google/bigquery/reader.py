"""BigQuery tables and queries as sources: ``bq://project.dataset.table``, or a query billed to ``bq://project``.

A table has no row order: two reads of it may differ in order, and what depends on order then differs a little. A query
that orders by all columns gives the same rows in the same order every time. Google's libraries are imported where a
table is read, never before.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from steps import tables
from steps.core import runtime
from steps.core.errors import UsageError
from steps.google.bigquery.address import name_of, parse
from steps.google.bigquery.connection import connected
from steps.sources import layouts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from google.cloud import bigquery

    from steps.google.bigquery.rows import Rows
    from steps.schema import Schema
    from steps.sources.reading import Reading

# The other kinds of table are the results of queries: only a query can read them.
_STORED = ("TABLE", "SNAPSHOT")


def read(uri: str, schema: Schema, reading: Reading) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a table or of a query's result, the columns that the schema needs and no others.

    Raises:
        NoInputError: there is no such table, dataset or project.
        DeniedError: a permission is missing, the message names it; or there are no credentials.
        BadDataError: the columns are not the schema's.
        UsageError: the query is wrong, or would bill more than is allowed.
        TransientError: the service or the connection failed until retries ended.
    """
    with connected(uri, reading) as client:
        rows = _query_rows if reading.query else _table_rows
        yield from rows(client, uri, schema, reading).batches(client)


def _table_rows(client: bigquery.Client, uri: str, schema: Schema, reading: Reading) -> Rows:
    """Look at a table and say what to read of it; a view is read by a query of its columns."""
    from steps.google.bigquery.rows import Rows

    table = _looked_up(client, uri, reading)
    columns = needed(schema, [field.name for field in table.schema], uri)
    if table.table_type not in _STORED:
        if reading.snapshot:
            what = f"this is a {table.table_type.lower()}, of which BigQuery keeps no snapshots"
            raise UsageError(what, where=uri, fix="leave --snapshot-time out")
        listed = ", ".join(f"`{column}`" for column in columns)
        # The names are BigQuery's own, and hold no backquote.
        sql = f"SELECT {listed} FROM `{table.project}.{table.dataset_id}.{table.table_id}`"  # noqa: S608
        return _result_rows(client, sql, uri, schema, reading)
    runtime.log(f"{uri}: last changed {table.modified:%Y-%m-%dT%H:%M:%SZ}, {table.num_rows:,} rows")
    return Rows(table.reference, _fields(table.schema, columns), reading.snapshot, None, uri)


def _query_rows(client: bigquery.Client, uri: str, schema: Schema, reading: Reading) -> Rows:
    return _result_rows(client, reading.query, name_of(uri, reading), schema, reading)


def _result_rows(client: bigquery.Client, sql: str, where: str, schema: Schema, reading: Reading) -> Rows:
    from steps.google.bigquery import query as bigquery_query
    from steps.google.bigquery.rows import Rows

    query = bigquery_query.Query(sql, where, reading.snapshot, reading.maximum_bytes_billed)
    table, fields, count = bigquery_query.run(client, query, lambda names: needed(schema, names, where))
    columns = needed(schema, [field.name for field in fields], where)
    return Rows(table, _fields(fields, columns), None, count, where)


def _fields(fields: Sequence[bigquery.SchemaField], columns: Sequence[str]) -> list[bigquery.SchemaField]:
    by_name = {field.name: field for field in fields}
    return [by_name[column] for column in columns]


def needed(schema: Schema, names: Sequence[str], where: str) -> list[str]:
    """Return those of a table's columns that the schema needs, in the schema's order, whatever else the table has.

    Raises:
        BadDataError: one is missing.
    """
    given = set(names)
    known = set(next((wanted for _, wanted in layouts.possible_layouts(schema) if given.issuperset(wanted)), names))
    layout = layouts.recognise_layout(schema, [name for name in names if name in known | {tables.SPLIT}], where)
    return [*layouts.source_columns(schema, layout), schema.target]


def version_of(uri: str, reading: Reading) -> str | None:
    """Return what stands for the rows as they are now, None where the same read may give others next time.

    A table counts by its time of change, a query by its text and its snapshot time; errors as :func:`read`.
    """
    moment = reading.profile_entries().get("snapshot_time", "")
    if reading.query:
        digest = hashlib.sha256(reading.query.encode()).hexdigest()
        return f"{uri} {digest} {moment}" if moment else None
    with connected(uri, reading) as client:
        table = _looked_up(client, uri, reading)
    if table.table_type not in _STORED or (table.streaming_buffer and not moment):
        return None
    return f"{uri} {moment or table.modified.isoformat()} {table.created.isoformat()}"


def _looked_up(client: bigquery.Client, uri: str, reading: Reading) -> bigquery.Table:
    from steps.google.bigquery.client import REQUEST_SECONDS, patience
    from steps.google.bigquery.errors import explained

    address = parse(uri, reading)
    with explained(uri):
        name = f"{address.project}.{address.dataset}.{address.table}"
        return client.get_table(name, retry=patience(), timeout=REQUEST_SECONDS)
