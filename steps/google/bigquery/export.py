"""Prepare a table inside BigQuery: one script exports a dataset per cover type as parquet to Cloud Storage.

For tables that no machine should have to read: nothing of them comes here, and each dataset is whole in the bucket,
with the rows and columns that the preparation here gives (``sql`` says how rows are numbered).
What was exported is listed in ``export.json``, written last and only where there is none; files that are not in it are
what an attempt left that did not get so far.

    python -m steps.google.bigquery.export --source bq://project.dataset.table --output gs://bucket/prefix
"""

from __future__ import annotations

import dataclasses
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
from steps.core.times import parse_time
from steps.google import bigquery, gcs
from steps.google.bigquery import query as bigquery_query
from steps.google.bigquery.client import REQUEST_SECONDS, patience
from steps.google.bigquery.errors import message_of
from steps.google.bigquery.jobs import connected, finished
from steps.google.bigquery.sql import Table, quoted
from steps.options.prepare import MAXIMUM_BYTES_BILLED
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


@dataclass(frozen=True)
class Wanted:
    """What to export: the datasets of some cover types (slugs) of a source, to ``prefix`` in Cloud Storage.

    ``label_mode`` is ``auto``, ``zero`` or ``one``.
    """

    uri: str
    schema: Schema
    reading: Reading
    slugs: Sequence[str]
    prefix: str
    label_mode: str = "auto"

    @property
    def name(self) -> str:
        """What messages call the source."""
        return bigquery.name_of(self.uri, self.reading)

    def place(self, slug: str) -> str:
        """Return the folder of a dataset: named by its label, by its slug where labels are names."""
        return f"{self.prefix.rstrip('/')}/{self.schema.cover_type(slug).partition}"


@dataclass(frozen=True)
class Exported:
    """What lies in the bucket now: the objects of each dataset by slug, and those of ``row`` with the source's label.

    ``counts`` are the rows of each cover type, also of those that were not exported; ``layout`` and ``labels`` are the
    source's as in a profile.
    """

    job: str
    layout: str
    labels: str
    counts: Mapping[str, int]
    datasets: Mapping[str, list[Object]]
    label_objects: list[Object]

    def document(self, wanted: Wanted) -> dict[str, Any]:
        """Return what ``export.json`` holds."""
        described = {"source": wanted.uri, **wanted.reading.profile_entries(), "job": self.job, "labels": self.labels}
        objects = {slug: [dataclasses.asdict(each) for each in found] for slug, found in self.datasets.items()}
        listed = [dataclasses.asdict(each) for each in self.label_objects]
        return {"format": 1, **described, "cover_types": self.counts, "datasets": objects, _LABELS: listed}


def export(wanted: Wanted, store: Store) -> Exported:
    """Export the datasets and list them.

    Raises:
        AlreadyExistsError: something was exported to this prefix before; nothing was billed.
        BadDataError: the columns or a value do not fit the schema, the message names them; or a cover type that was
            asked for has no row.
        UsageError: the query is wrong, the bucket lies elsewhere, or more would be billed than is allowed.
        DeniedError, NoInputError, TransientError: as ``bigquery.read`` and ``gcs.Store`` raise them.
    """
    if set("*?") & set(gcs.split(wanted.prefix)[1]):
        raise UsageError("a prefix has no wildcards", where=wanted.prefix, fix="name one place")
    _check_absent(store, wanted.prefix)
    with connected(wanted.uri, wanted.reading) as client:
        table, counts = _looked_at(client, wanted)
        token = secrets.token_hex(6)
        exports = {slug: f"{wanted.place(slug)}/part-{token}-*.parquet" for slug in wanted.slugs}
        labels_uri = f"{wanted.prefix.rstrip('/')}/{_LABELS}/part-{token}-*.parquet"
        _check_cost(client, wanted, table, sum(counts.values()))
        script = table.script(exports, labels_uri)
        job = client.query(script, _configuration(wanted), retry=patience(), job_retry=None, timeout=REQUEST_SECONDS)
        _wait(job, wanted)
    found = {slug: store.objects(uri) for slug, uri in exports.items()}
    start = labels.describe_start(wanted.schema, table.shift)
    done = Exported(str(job.job_id), table.layout.name, start, counts, found, store.objects(labels_uri))
    _list(store, wanted, done)
    runtime.log(f"{wanted.name}: {sum(counts.values()):,} rows exported {len(found)} times to {wanted.prefix}")
    return done


def _wait(job: official.QueryJob, wanted: Wanted) -> None:
    """Wait for the script; a value that does not fit the schema is bad data, not a bad query."""
    try:
        finished(job, wanted.name)
    except BadRequest as error:
        if not (said := message_of(error)).startswith("column "):
            raise
        raise BadDataError(said, where=wanted.name, fix="correct the source") from None


def _check_absent(store: Store, prefix: str) -> None:
    listing = f"{prefix.rstrip('/')}/{LISTING}"
    try:
        store.get(listing)
    except NoInputError:
        return
    raise already_exists(listing)


def _list(store: Store, wanted: Wanted, done: Exported) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / LISTING
        path.write_text(json.dumps(done.document(wanted), indent=1) + "\n", encoding="utf-8")
        store.upload(path, f"{wanted.prefix.rstrip('/')}/{LISTING}", if_absent=True)


def _configuration(wanted: Wanted) -> official.QueryJobConfig:
    reading = wanted.reading
    query = bigquery_query.Query("", wanted.name, reading.snapshot, reading.maximum_bytes_billed)
    return query.configuration(dry_run=False)


def _looked_at(client: official.Client, wanted: Wanted) -> tuple[Table, dict[str, int]]:
    """Return what is to be read, and the rows of each cover type, after a query that counts the labels."""
    schema = wanted.schema
    rows, types = _rows(client, wanted)
    columns = bigquery.needed(schema, list(types), wanted.name)
    layout = layouts.recognise_layout(schema, columns, wanted.name)
    found = _counted(client, wanted, rows)
    shift = labels.find_offset(schema, [value for value in found if value is not None], wanted.label_mode, wanted.name)
    counts = {
        each.slug: found.get(each.label if isinstance(each.label, str) else each.label - shift, 0)
        for each in schema.cover_types
    }
    for slug in wanted.slugs:
        if not counts[slug]:
            fix = "leave it out with --cover-types"
            raise BadDataError(f"no row is of cover type {slug!r}", where=wanted.name, fix=fix)
    return Table(schema, layout, types, rows, shift), counts


def _rows(client: official.Client, wanted: Wanted) -> tuple[str, dict[str, str]]:
    """Return what stands after FROM, and the types of its columns by name."""
    reading = wanted.reading
    options: dict[str, Any] = {"retry": patience(), "timeout": REQUEST_SECONDS}
    if reading.query:
        query = bigquery_query.Query(reading.query, wanted.name, reading.snapshot, reading.maximum_bytes_billed)
        query.check_snapshot()
        job = client.query(query.sql, query.configuration(dry_run=True), job_retry=None, **options)
        return f"(\n{reading.query.rstrip().rstrip(';')}\n)", {each.name: each.field_type for each in job.schema or ()}
    address = bigquery.parse(wanted.uri, reading)
    name = f"{address.project}.{address.dataset}.{address.table}"
    table = client.get_table(name, **options)
    if reading.snapshot and table.table_type in _VIEWS:
        fix = "leave --snapshot-time out"
        raise UsageError("BigQuery keeps no snapshots of views", where=wanted.uri, fix=fix)
    moment = f" FOR SYSTEM_TIME AS OF @{bigquery_query.SNAPSHOT}" if reading.snapshot else ""
    return f"{quoted(name)}{moment}", {each.name: each.field_type for each in table.schema}


def _counted(client: official.Client, wanted: Wanted, rows: str) -> dict[Any, int]:
    reading, target = wanted.reading, quoted(wanted.schema.target)
    sql = f"SELECT {target} AS label, COUNT(*) AS n FROM {rows} GROUP BY 1"  # noqa: S608 - names are quoted
    query = bigquery_query.Query(sql, f"labels of {wanted.name}", reading.snapshot, reading.maximum_bytes_billed)
    table, fields, _ = bigquery_query.run(client, query, list)
    found = client.list_rows(table, selected_fields=fields, retry=patience(), timeout=REQUEST_SECONDS)
    return {row["label"]: row["n"] for row in found}


def _check_cost(client: official.Client, wanted: Wanted, table: Table, rows: int) -> None:
    """Say what the script will process, and refuse it above the limit: the source once, and what each export reads.

    BigQuery itself cannot estimate a script whose later statements read what earlier ones make.
    """
    reading = wanted.reading
    query = bigquery_query.Query(table.numbered(), wanted.name, reading.snapshot, reading.maximum_bytes_billed)
    job = client.query(
        query.sql, query.configuration(dry_run=True), retry=patience(), job_retry=None, timeout=REQUEST_SECONDS
    )
    processed = (job.total_bytes_processed or 0) + table.bytes_exported(rows, len(wanted.slugs))
    limit = reading.maximum_bytes_billed
    runtime.log(f"{wanted.name}: will process {processed:,} bytes ({f'limit {limit:,}' if limit else 'no limit'})")
    if limit and processed > limit:
        raise UsageError(
            f"the script would process {processed:,} bytes, {limit:,} are allowed",
            where=wanted.name,
            fix=f"export fewer cover types, or use --maximum-bytes-billed {processed}",
        )


def main(  # noqa: PLR0913 - one argument an option
    *,
    source: Annotated[str, typer.Option(metavar="URI", help="bq://PROJECT.DATASET.TABLE, or bq://PROJECT.")],
    output: Annotated[str, typer.Option(metavar="URI", help="gs://BUCKET/PREFIX, where nothing was exported yet.")],
    query: Annotated[str, typer.Option(metavar="FILE", help="SQL for BigQuery, with --source bq://PROJECT.")] = "",
    snapshot_time: Annotated[str, typer.Option(metavar="TIME", help="Read BigQuery as it was then.")] = "",
    location: Annotated[str, typer.Option(help="Where BigQuery runs the script: US, EU, europe-west1.")] = "",
    maximum_bytes_billed: Annotated[
        int, typer.Option(min=0, metavar="BYTES", help="Refuse a script that bills more, 0 for no limit.")
    ] = MAXIMUM_BYTES_BILLED,
    schema: Annotated[str, typer.Option(help="Schema file (TOML), or covertype.")] = schemas.BUILTIN,
    cover_types: Annotated[str, typer.Option(help="Labels or slugs, by commas; all where it is empty.")] = "",
    labels: Annotated[Literal["auto", "zero", "one"], typer.Option(help="Where the source's labels start.")] = "auto",
) -> None:
    """Make one dataset per cover type inside BigQuery, as parquet in Cloud Storage."""
    table = schemas.load(schema)
    keys = [key.strip() for key in cover_types.split(",") if key.strip()]
    slugs = [table.cover_type(key).slug for key in keys] or list(table.slugs)
    sql = textfile.read(Path(query), UsageError).strip() if query else ""
    reading = Reading(sql, Path(query).name, parse_time(snapshot_time), location, maximum_bytes_billed)
    uri = uris.parse(source, (uris.TABLE,)).text
    prefix = uris.parse(output, (uris.BUCKET,), what="destination", where="--output").text
    export(Wanted(uri, table, reading, slugs, prefix, labels), gcs.connect())


if __name__ == "__main__":
    runtime.run_and_exit(main)
