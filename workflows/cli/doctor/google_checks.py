"""Checks credentials, permissions and locations of sources and destinations at Google.

The checks run with the credentials of the caller; on a cluster the pods have their own. They write nothing and cost
nothing: queries are dry runs, and no row of a table is read. Each failure comes with the command that fixes it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from steps.buckets import Patience
from steps.core.errors import DeniedError, NoInputError, PipelineError, UsageError
from steps.google.bigquery import parse_address
from steps.google.gcs import CREATE, DELETE, GET, LIST, connect, split_uri
from steps.google.gcs import SCHEME as BUCKET
from steps.google.gcs.errors import translate_errors as translate_storage_errors
from steps.sources.reading import SCHEME as TABLE
from steps.sources.reading import Reading
from workflows.cli.doctor.google_fixes import FixContext
from workflows.cluster.doctor import Finding, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from google.cloud import bigquery

    from steps.google.gcs import Store

_SECONDS = 20.0
_STORED = ("TABLE", "SNAPSHOT")
_READ_TABLE = ("bigquery.tables.get", "bigquery.tables.getData")
_READ, _WRITE, _MOVE = (GET, LIST), (GET, LIST, CREATE), (GET, LIST, CREATE, DELETE)


@dataclass(frozen=True)
class GoogleResources:
    """The addresses to check. Those that are not at Google are skipped.

    Attributes:
        source: source of the pipeline.
        reading: options of reading the source.
        output: destination of the results, which are written once.
        registry: registry of models, in which aliases are also replaced.
    """

    source: str = ""
    reading: Reading = field(default_factory=Reading)
    output: str = ""
    registry: str = ""

    def buckets(self) -> list[tuple[str, str, Sequence[str]]]:
        """Return the use, the address and the required permissions of each address in Cloud Storage."""
        uses = (("source", self.source, _READ), ("output", self.output, _WRITE), ("registry", self.registry, _MOVE))
        return [(use, uri, required) for use, uri, required in uses if uri.startswith(BUCKET)]


def check_google(resources: GoogleResources) -> Iterator[Finding]:
    """Check credentials, project, permissions, table and buckets, and the locations of these."""
    context = FixContext()
    first = _run_check("Google credentials", lambda: _find_identity(context), context)
    yield first
    if first.state is State.FAILED:
        return
    if resources.source.startswith(TABLE):
        yield from _bigquery_findings(resources, context)
    for use, uri, required in resources.buckets():
        yield from _bucket_findings(use, uri, required, context)


def _run_check(check: str, action: Callable[[], str], context: FixContext, *, optional: bool = False) -> Finding:
    """Return the finding of a check.

    Args:
        check: name of the check.
        action: returns what it found, or raises PipelineError.
        context: context for the command that fixes an error.
        optional: a missing permission to check is not a failure.
    """
    try:
        return Finding(check, State.OK, action())
    except PipelineError as error:
        unknown = optional and isinstance(error, DeniedError)
        return Finding(check, State.UNKNOWN if unknown else State.FAILED, error.what, context.fix_for(error))


def _find_identity(context: FixContext) -> str:
    """Find the credentials and refresh them; return the account that they belong to."""
    import google.auth
    from google.auth.transport.requests import Request

    from steps.google.bigquery.errors import translate_errors

    if os.environ.get("BIGQUERY_EMULATOR_HOST") or os.environ.get("STORAGE_EMULATOR_HOST"):
        return "an emulator needs none"
    with translate_errors("Google"):
        credentials, project = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
        credentials.refresh(Request())  # type: ignore[no-untyped-call]
    context.email = str(getattr(credentials, "service_account_email", "") or "")
    return f"{context.email or 'a user'}, project {project or '(none)'}"


def _bigquery_findings(resources: GoogleResources, context: FixContext) -> Iterator[Finding]:
    from steps.google.bigquery.client import connect as connect_bigquery
    from steps.google.bigquery.client import own_project
    from steps.google.bigquery.errors import translate_errors

    clients: list[bigquery.Client] = []

    def project() -> str:
        address = parse_address(resources.source, resources.reading)
        with translate_errors(resources.source):
            billed = address.project if resources.reading.query else own_project() or address.project
            clients.append(connect_bigquery(billed, resources.reading.location))
        context.project = clients[0].project
        context.dataset, context.table = address.dataset, address.table
        context.owner = address.project
        return f"{context.project} is billed"

    yield _run_check("project", project, context)
    for client in clients:
        if resources.reading.query:
            yield _run_check("query", partial(_dry_run, client, resources.reading.query, resources), context)
        else:
            yield from _table_findings(client, resources, context)
        client.close()  # type: ignore[no-untyped-call]


def _table_findings(client: bigquery.Client, resources: GoogleResources, context: FixContext) -> Iterator[Finding]:
    from steps.google.bigquery.client import request_retry
    from steps.google.bigquery.errors import translate_errors

    tables: list[bigquery.Table] = []

    def look() -> str:
        with translate_errors(resources.source):
            retry = request_retry().with_timeout(_SECONDS)
            table = client.get_table(context.table_name, retry=retry, timeout=_SECONDS)
        tables.append(table)
        context.table_location = str(table.location or "")
        return f"{table.table_type.lower()}, {table.num_rows or 0:,} rows, in {table.location}"

    found = _run_check("table", look, context)
    yield found
    if not tables and "bigquery.tables.get" not in found.seen:
        return
    yield _run_check("read the table", lambda: _check_table_permissions(client, resources, context), context)
    for table in tables:
        if table.table_type in _STORED:
            yield _run_check("Storage Read API", partial(_check_read_session, client, table, resources), context)
        else:
            sql = f"SELECT * FROM `{context.table_name}`"  # noqa: S608 - an address, without a backquote
            yield _run_check("run queries", partial(_dry_run, client, sql, resources), context)


def _check_table_permissions(client: bigquery.Client, resources: GoogleResources, context: FixContext) -> str:
    from google.cloud.bigquery import TableReference

    from steps.google.bigquery.errors import translate_errors

    with translate_errors(resources.source):
        answer = client.test_iam_permissions(
            TableReference.from_string(context.table_name), _READ_TABLE, timeout=_SECONDS
        )
    _require_permissions(_READ_TABLE, answer.get("permissions", ()))
    return "allowed"


def _require_permissions(wanted: Sequence[str], granted: Sequence[str]) -> None:
    if missing := [permission for permission in wanted if permission not in granted]:
        raise DeniedError(f"missing: {', '.join(missing)}")


def _check_read_session(client: bigquery.Client, table: bigquery.Table, resources: GoogleResources) -> str:
    """Create a read session without reading from it, as no other call shows that it is allowed."""
    from google.cloud.bigquery_storage_v1 import types

    from steps.google.bigquery.client import read_client
    from steps.google.bigquery.errors import translate_errors

    wanted = types.ReadSession(table=table.reference.to_bqstorage(), data_format=types.DataFormat.ARROW)
    reader = read_client(client)
    if reader is None:
        raise NoInputError(
            "not emulated: reading rows by REST, which is slow", fix="set BIGQUERY_STORAGE_EMULATOR_HOST"
        )
    with translate_errors(resources.source), reader:
        reader.create_read_session(
            parent=f"projects/{client.project}",
            read_session=wanted,
            max_stream_count=1,
            retry=None,
            timeout=_SECONDS,
        )
    return "allowed"


def _dry_run(client: bigquery.Client, sql: str, resources: GoogleResources) -> str:
    from steps.google.bigquery.client import request_retry
    from steps.google.bigquery.errors import translate_errors
    from steps.google.bigquery.query import Query

    query = Query(sql, resources.source, resources.reading.snapshot, resources.reading.maximum_bytes_billed)
    query.check_snapshot()
    with translate_errors(resources.source):
        retry = request_retry().with_timeout(_SECONDS)
        job = client.query(sql, query.configuration(dry_run=True), retry=retry, job_retry=None, timeout=_SECONDS)
    return f"allowed, would process {job.total_bytes_processed or 0:,} bytes"


def _bucket_findings(use: str, uri: str, required: Sequence[str], context: FixContext) -> Iterator[Finding]:
    stores: list[Store] = []

    def look() -> str:
        context.bucket, context.writes = split_uri(uri)[0], CREATE in required
        stores.append(connect(Patience(seconds=_SECONDS)))
        with translate_storage_errors(f"{BUCKET}{context.bucket}", "storage.buckets.testIamPermissions"):
            granted = stores[0].client.bucket(context.bucket).test_iam_permissions(list(required), timeout=_SECONDS)
        _require_permissions(required, granted)
        return f"{BUCKET}{context.bucket}: may {', '.join(need.rpartition('.')[2] for need in required)} objects"

    found = _run_check(f"{use} bucket", look, context)
    yield found
    if found.state is State.FAILED:
        return
    if use == "source":
        yield _run_check("source objects", lambda: f"{len(stores[0].objects(uri))} found", context)
    if context.table_location:
        yield _run_check(f"{use} location", lambda: _compare_locations(stores[0], context), context, optional=True)


def _compare_locations(store: Store, context: FixContext) -> str:
    """Compare the locations of bucket and table. BigQuery exports within one location, and from the US to any."""
    bucket = store.client.bucket(context.bucket)
    with translate_storage_errors(f"{BUCKET}{context.bucket}", "storage.buckets.get"):
        bucket.reload(timeout=_SECONDS)
    bucket_location, table_location = str(bucket.location).upper(), context.table_location.upper()
    in_europe = table_location == "EU" and bucket_location.startswith("EUR")
    if table_location in (bucket_location, "US") or in_europe:
        return f"bucket in {bucket_location}, table in {table_location}"
    what = f"the bucket is in {bucket_location}, the table in {table_location}: BigQuery cannot export there"
    fix = f"gcloud storage buckets create gs://ANOTHER --location={table_location}, and use that bucket"
    raise UsageError(what, fix=fix)
