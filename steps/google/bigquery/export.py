"""Prepare a table inside BigQuery: one script exports the dataset of each cover type as parquet to Cloud Storage.

This is for tables that are too large for one machine: no row is read here. The datasets have the same rows and columns
as those of ``prepare`` (``sql`` describes how rows are numbered). ``export.json`` lists the exported objects. It is
written last, and only if there is none. Objects that it does not list come from an attempt that failed.

    python -m steps.google.bigquery.export --source bq://project.dataset.table --output gs://bucket/prefix
"""

from __future__ import annotations

import dataclasses
import functools
import json
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from google.api_core.exceptions import BadRequest

from steps import schema as schemas
from steps.core import runtime, textfile, uris
from steps.core.errors import BadDataError, NoInputError, UsageError, already_exists
from steps.core.options import declared, read_flag
from steps.core.times import parse_time
from steps.google import bigquery, gcs
from steps.google.bigquery import query as bigquery_query
from steps.google.bigquery.client import REQUEST_SECONDS, request_retry
from steps.google.bigquery.errors import message_of
from steps.google.bigquery.jobs import open_job_client, wait_for_job
from steps.google.bigquery.sql import SourceTable, quote_identifier
from steps.options.prepare import MAXIMUM_BYTES_BILLED, PrepareOptions
from steps.sources import layouts
from steps.sources.reading import Reading
from steps.tables import labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.cloud import bigquery as official

    from steps.google.gcs import Object, Store
    from steps.schema import Schema

LISTING = "export.json"
_VIEWS = ("VIEW", "MATERIALIZED_VIEW", "EXTERNAL")
_LABELS = "labels"
# The option of prepare for the largest number of bytes that are billed.
_LIMIT = next(option for option in declared(PrepareOptions) if option.attribute == "maximum_bytes_billed")


@dataclass(frozen=True)
class ExportRequest:
    """The datasets to export.

    Attributes:
        uri: The address of the source.
        schema: The schema of the source.
        reading: The options for BigQuery.
        slugs: The cover types whose datasets are exported.
        prefix: The ``gs://`` prefix of the datasets.
        label_mode: ``auto``, ``zero`` or ``one``, see ``steps.tables.labels.find_offset``.
    """

    uri: str
    schema: Schema
    reading: Reading
    slugs: Sequence[str]
    prefix: str
    label_mode: str = "auto"

    @property
    def name(self) -> str:
        """The name of the source in messages."""
        return bigquery.source_name(self.uri, self.reading)

    def dataset_prefix(self, slug: str) -> str:
        """Return the prefix of a dataset, which ends with the label, or with the slug if labels are strings."""
        return f"{self.prefix.rstrip('/')}/{self.schema.cover_type(slug).partition}"


@dataclass(frozen=True)
class Exported:
    """The exported objects.

    Attributes:
        job: The id of the job.
        layout: The name of the source's layout, as in ``profile.json``.
        labels: The start of the source's labels, as in ``profile.json``.
        counts: The number of rows of each cover type, also of those that are not exported.
        datasets: The objects of each dataset by slug.
        label_objects: The objects with the number and the label of each row.
    """

    job: str
    layout: str
    labels: str
    counts: Mapping[str, int]
    datasets: Mapping[str, list[Object]]
    label_objects: list[Object]

    def document(self, request: ExportRequest) -> dict[str, Any]:
        """Return the content of ``export.json``."""
        described = {"source": request.uri, **request.reading.profile_entries(), "job": self.job, "labels": self.labels}
        objects = {slug: [dataclasses.asdict(each) for each in found] for slug, found in self.datasets.items()}
        listed = [dataclasses.asdict(each) for each in self.label_objects]
        return {"format": 1, **described, "cover_types": self.counts, "datasets": objects, _LABELS: listed}


def export(request: ExportRequest, store: Store) -> Exported:
    """Export the datasets, and write the list of their objects.

    Args:
        request: The datasets to export.
        store: The store of the prefix.

    Raises:
        AlreadyExistsError: There is an export at this prefix. Nothing was billed.
        BadDataError: The columns or a value do not fit the schema, which the message names, or a cover type has no
            row.
        UsageError: The query is wrong, the bucket is in another location, or more would be billed than the limit.
        DeniedError, NoInputError, TransientError: As for ``bigquery.read`` and ``gcs.Store``.
    """
    if set("*?") & set(gcs.split_uri(request.prefix)[1]):
        raise UsageError("a prefix has no wildcards", where=request.prefix, fix="give one prefix")
    _require_absent(store, request.prefix)
    with open_job_client(request.uri, request.reading) as client:
        table, counts = _inspect_source(client, request)
        token = secrets.token_hex(6)
        exports = {slug: f"{request.dataset_prefix(slug)}/part-{token}-*.parquet" for slug in request.slugs}
        labels_uri = f"{request.prefix.rstrip('/')}/{_LABELS}/part-{token}-*.parquet"
        _check_cost(client, request, table, sum(counts.values()))
        script = table.script(exports, labels_uri)
        job = client.query(
            script, _configuration(request), retry=request_retry(), job_retry=None, timeout=REQUEST_SECONDS
        )
        _wait_for_script(job, request)
    found = {slug: store.objects(uri) for slug, uri in exports.items()}
    start = labels.describe_start(request.schema, table.shift)
    done = Exported(str(job.job_id), table.layout.name, start, counts, found, store.objects(labels_uri))
    _write_listing(store, request, done)
    runtime.log(f"{request.name}: {sum(counts.values()):,} rows exported {len(found)} times to {request.prefix}")
    return done


def _wait_for_script(job: official.QueryJob, request: ExportRequest) -> None:
    """Wait for the script; BadDataError if a value does not fit the schema."""
    try:
        wait_for_job(job, request.name)
    except BadRequest as error:
        if not (message := message_of(error)).startswith("column "):
            raise
        raise BadDataError(message, where=request.name, fix="correct the source") from None


def _require_absent(store: Store, prefix: str) -> None:
    listing = f"{prefix.rstrip('/')}/{LISTING}"
    try:
        store.get(listing)
    except NoInputError:
        return
    raise already_exists(listing)


def _write_listing(store: Store, request: ExportRequest, done: Exported) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / LISTING
        path.write_text(json.dumps(done.document(request), indent=1) + "\n", encoding="utf-8")
        store.upload(path, f"{request.prefix.rstrip('/')}/{LISTING}", if_absent=True)


def _configuration(request: ExportRequest) -> official.QueryJobConfig:
    reading = request.reading
    query = bigquery_query.Query("", request.name, reading.snapshot, reading.maximum_bytes_billed)
    return query.configuration(dry_run=False)


def _inspect_source(client: official.Client, request: ExportRequest) -> tuple[SourceTable, dict[str, int]]:
    """Return the source of the script, and the number of rows of each cover type. A query counts the labels."""
    schema = request.schema
    rows, types = _source_rows(client, request)
    columns = bigquery.Needed(schema).columns(list(types), request.name)
    layout = layouts.recognise_layout(schema, columns, request.name)
    found = _count_labels(client, request, rows)
    shift = labels.find_offset(
        schema, [value for value in found if value is not None], request.label_mode, request.name
    )
    counts = {
        each.slug: found.get(each.label if isinstance(each.label, str) else each.label - shift, 0)
        for each in schema.cover_types
    }
    for slug in request.slugs:
        if not counts[slug]:
            fix = "leave it out with --cover-types"
            raise BadDataError(f"no row is of cover type {slug!r}", where=request.name, fix=fix)
    return SourceTable(schema, layout, types, rows, shift), counts


def _source_rows(client: official.Client, request: ExportRequest) -> tuple[str, dict[str, str]]:
    """Return the SQL after FROM, and the types of its columns by name."""
    reading = request.reading
    options: dict[str, Any] = {"retry": request_retry(), "timeout": REQUEST_SECONDS}
    if reading.query:
        query = bigquery_query.Query(reading.query, request.name, reading.snapshot, reading.maximum_bytes_billed)
        query.check_snapshot()
        job = client.query(query.sql, query.configuration(dry_run=True), job_retry=None, **options)
        return f"(\n{reading.query.rstrip().rstrip(';')}\n)", {each.name: each.field_type for each in job.schema or ()}
    address = bigquery.parse_address(request.uri, reading)
    name = f"{address.project}.{address.dataset}.{address.table}"
    table = client.get_table(name, **options)
    if reading.snapshot and table.table_type in _VIEWS:
        fix = "leave --snapshot-time out"
        raise UsageError("BigQuery keeps no snapshots of views", where=request.uri, fix=fix)
    moment = f" FOR SYSTEM_TIME AS OF @{bigquery_query.SNAPSHOT}" if reading.snapshot else ""
    return f"{quote_identifier(name)}{moment}", {each.name: each.field_type for each in table.schema}


def _count_labels(client: official.Client, request: ExportRequest, rows: str) -> dict[Any, int]:
    reading, target = request.reading, quote_identifier(request.schema.target)
    sql = f"SELECT {target} AS label, COUNT(*) AS n FROM {rows} GROUP BY 1"  # noqa: S608 - names are quoted
    query = bigquery_query.Query(sql, f"labels of {request.name}", reading.snapshot, reading.maximum_bytes_billed)
    table, fields, _ = bigquery_query.run_query(client, query, list)
    found = client.list_rows(table, selected_fields=fields, retry=request_retry(), timeout=REQUEST_SECONDS)
    return {row["label"]: row["n"] for row in found}


def _check_cost(client: official.Client, request: ExportRequest, table: SourceTable, rows: int) -> None:
    """Log the number of bytes that the script will process; UsageError if they are more than the limit.

    They are those of the source and of each export. BigQuery itself cannot estimate a script whose statements read the
    tables of earlier ones.
    """
    reading = request.reading
    query = bigquery_query.Query(table.numbered(), request.name, reading.snapshot, reading.maximum_bytes_billed)
    job = client.query(
        query.sql, query.configuration(dry_run=True), retry=request_retry(), job_retry=None, timeout=REQUEST_SECONDS
    )
    processed = (job.total_bytes_processed or 0) + table.bytes_exported(rows, len(request.slugs))
    limit = reading.maximum_bytes_billed
    runtime.log(f"{request.name}: will process {processed:,} bytes ({f'limit {limit:,}' if limit else 'no limit'})")
    if limit and processed > limit:
        raise UsageError(
            f"the script would process {processed:,} bytes, {limit:,} are allowed",
            where=request.name,
            fix=f"export fewer cover types, or use --maximum-bytes-billed {processed}",
        )


def main(  # noqa: PLR0913 - one argument an option
    *,
    source: Annotated[
        str, typer.Option(metavar="URI", help="bq://PROJECT.DATASET.TABLE, or bq://PROJECT with --query.")
    ],
    output: Annotated[str, typer.Option(metavar="URI", help="gs://BUCKET/PREFIX, without an earlier export.")],
    query: Annotated[str, typer.Option(metavar="FILE", help="SQL of the source, with --source bq://PROJECT.")] = "",
    snapshot_time: Annotated[str, typer.Option(metavar="TIME", help="Read the table as of this time (RFC 3339).")] = "",
    location: Annotated[str, typer.Option(help="Location of the job: US, EU, europe-west1.")] = "",
    maximum_bytes_billed: Annotated[
        int,
        typer.Option(
            parser=functools.partial(read_flag, _LIMIT),
            metavar="BYTES",
            show_default=_LIMIT.text(MAXIMUM_BYTES_BILLED),
            help="Reject a script that bills more than this, such as 10 GB; 0: no limit.",
        ),
    ] = MAXIMUM_BYTES_BILLED,
    schema: Annotated[str, typer.Option(help="Schema file (TOML), or covertype.")] = schemas.BUILTIN,
    cover_types: Annotated[str, typer.Option(help="Labels or slugs, separated by commas; empty for all.")] = "",
    first_label: Annotated[Literal["auto", "zero", "one"], typer.Option(help="First label of the source.")] = "auto",
) -> None:
    """Export one dataset for each cover type from BigQuery, as parquet files in Cloud Storage."""
    table = schemas.load(schema)
    keys = [key.strip() for key in cover_types.split(",") if key.strip()]
    slugs = [table.cover_type(key).slug for key in keys] or list(table.slugs)
    sql = textfile.read(Path(query), UsageError).strip() if query else ""
    reading = Reading(sql, Path(query).name, parse_time(snapshot_time), location, maximum_bytes_billed)
    uri = uris.parse(source, (uris.TABLE,)).text
    prefix = uris.parse(output, (uris.GCS,), what="destination", where="--output").text
    export(ExportRequest(uri, table, reading, slugs, prefix, first_label), gcs.connect())


if __name__ == "__main__":
    runtime.run_and_exit(main)
