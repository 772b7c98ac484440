"""What a source or a registry at Google needs, looked at piece by piece: each failure with the command that mends it.

What is looked at is what whoever asks may do; on a cluster the pods have identities of their own. Nothing is written,
and nothing is billed: queries run dry, and of a table no row is read.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from steps.core.errors import DeniedError, NoInputError, PipelineError, UsageError
from steps.google.bigquery import parse_address
from steps.google.gcs import CREATE, DELETE, GET, LIST, connect, split_uri
from steps.google.gcs import SCHEME as BUCKET
from steps.google.gcs.errors import translate_errors as translate_storage_errors
from steps.google.gcs.transfer import Patience
from steps.sources.reading import SCHEME as TABLE
from steps.sources.reading import Reading
from workflows.cli.google_fixes import Mending
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
class Asked:
    """What is to be looked at; addresses that are not Google's are passed over.

    ``output`` is written once, in ``registry`` aliases are moved too.
    """

    source: str = ""
    reading: Reading = field(default_factory=Reading)
    output: str = ""
    registry: str = ""

    @property
    def any(self) -> bool:
        """Whether there is anything to look at."""
        return self.source.startswith(TABLE) or bool(self.buckets())

    def buckets(self) -> list[tuple[str, str, Sequence[str]]]:
        """Return what each address in Cloud Storage is for, the address, and the permissions it needs."""
        found = (("source", self.source, _READ), ("output", self.output, _WRITE), ("registry", self.registry, _MOVE))
        return [(what, uri, needs) for what, uri, needs in found if uri.startswith(BUCKET)]


def examine(asked: Asked) -> Iterator[Finding]:
    """Look at credentials, project, permissions, table and buckets, and at where they lie."""
    mending = Mending()
    first = _look("Google credentials", lambda: _identity(mending), mending)
    yield first
    if first.state is State.FAILED:
        return
    if asked.source.startswith(TABLE):
        yield from _of_bigquery(asked, mending)
    for what, uri, needs in asked.buckets():
        yield from _of_bucket(what, uri, needs, mending)


def _look(check: str, action: Callable[[], str], mending: Mending, *, optional: bool = False) -> Finding:
    """Return what an action sees; a missing right to see what is ``optional`` is no failure."""
    try:
        return Finding(check, State.OK, action())
    except PipelineError as error:
        unknown = optional and isinstance(error, DeniedError)
        return Finding(check, State.UNKNOWN if unknown else State.FAILED, error.what, mending.of(error))


def _identity(mending: Mending) -> str:
    """Find the credentials, and have them answer; return whose they are."""
    import google.auth
    from google.auth.transport.requests import Request

    from steps.google.bigquery.errors import translate_errors

    if os.environ.get("BIGQUERY_EMULATOR_HOST") or os.environ.get("STORAGE_EMULATOR_HOST"):
        return "none are needed by an emulator"
    with translate_errors("Google"):
        credentials, project = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
        credentials.refresh(Request())  # type: ignore[no-untyped-call]
    mending.email = str(getattr(credentials, "service_account_email", "") or "")
    return f"{mending.email or 'a person'}, project {project or '(none)'}"


def _of_bigquery(asked: Asked, mending: Mending) -> Iterator[Finding]:
    from steps.google.bigquery.client import connect as connect_bigquery
    from steps.google.bigquery.client import own_project
    from steps.google.bigquery.errors import translate_errors

    clients: list[bigquery.Client] = []

    def project() -> str:
        address = parse_address(asked.source, asked.reading)
        with translate_errors(asked.source):
            billed = address.project if asked.reading.query else own_project() or address.project
            clients.append(connect_bigquery(billed, asked.reading.location))
        mending.project = clients[0].project
        mending.dataset, mending.table = address.dataset, address.table
        mending.owner = address.project
        return f"{mending.project} is billed"

    yield _look("project", project, mending)
    for client in clients:
        if asked.reading.query:
            yield _look("query", lambda client=client: _dry_run(client, asked.reading.query, asked), mending)  # type: ignore[misc]
        else:
            yield from _of_table(client, asked, mending)
        client.close()  # type: ignore[no-untyped-call]


def _of_table(client: bigquery.Client, asked: Asked, mending: Mending) -> Iterator[Finding]:
    from steps.google.bigquery.client import request_retry
    from steps.google.bigquery.errors import translate_errors

    tables: list[bigquery.Table] = []

    def look() -> str:
        with translate_errors(asked.source):
            retry = request_retry().with_timeout(_SECONDS)
            table = client.get_table(mending.name, retry=retry, timeout=_SECONDS)
        tables.append(table)
        mending.table_lies = str(table.location or "")
        return f"{table.table_type.lower()}, {table.num_rows or 0:,} rows, in {table.location}"

    found = _look("table", look, mending)
    yield found
    if not tables and "bigquery.tables.get" not in found.seen:
        return
    yield _look("read the table", lambda: _readable(client, asked, mending), mending)
    for table in tables:
        if table.table_type in _STORED:
            yield _look("Storage Read API", lambda table=table: _session(client, table, asked), mending)  # type: ignore[misc]
        else:
            sql = f"SELECT * FROM `{mending.name}`"  # noqa: S608 - an address, without a backquote
            yield _look("run queries", lambda sql=sql: _dry_run(client, sql, asked), mending)  # type: ignore[misc]


def _readable(client: bigquery.Client, asked: Asked, mending: Mending) -> str:
    from google.cloud.bigquery import TableReference

    from steps.google.bigquery.errors import translate_errors

    with translate_errors(asked.source):
        answer = client.test_iam_permissions(TableReference.from_string(mending.name), _READ_TABLE, timeout=_SECONDS)
    _require(_READ_TABLE, answer.get("permissions", ()))
    return "allowed"


def _require(wanted: Sequence[str], granted: Sequence[str]) -> None:
    if missing := [permission for permission in wanted if permission not in granted]:
        raise DeniedError(f"missing: {', '.join(missing)}")


def _session(client: bigquery.Client, table: bigquery.Table, asked: Asked) -> str:
    """Open a session and read nothing: there is no other way to ask."""
    from google.cloud.bigquery_storage_v1 import types

    from steps.google.bigquery.client import read_client
    from steps.google.bigquery.errors import translate_errors

    wanted = types.ReadSession(table=table.reference.to_bqstorage(), data_format=types.DataFormat.ARROW)
    reader = read_client(client)
    if reader is None:
        raise NoInputError("not emulated, rows come by REST, slowly", fix="set BIGQUERY_STORAGE_EMULATOR_HOST")
    with translate_errors(asked.source), reader:
        reader.create_read_session(
            parent=f"projects/{client.project}",
            read_session=wanted,
            max_stream_count=1,
            retry=None,
            timeout=_SECONDS,
        )
    return "allowed"


def _dry_run(client: bigquery.Client, sql: str, asked: Asked) -> str:
    from steps.google.bigquery.client import request_retry
    from steps.google.bigquery.errors import translate_errors
    from steps.google.bigquery.query import Query

    query = Query(sql, asked.source, asked.reading.snapshot, asked.reading.maximum_bytes_billed)
    query.check_snapshot()
    with translate_errors(asked.source):
        retry = request_retry().with_timeout(_SECONDS)
        job = client.query(sql, query.configuration(dry_run=True), retry=retry, job_retry=None, timeout=_SECONDS)
    return f"allowed, would process {job.total_bytes_processed or 0:,} bytes"


def _of_bucket(what: str, uri: str, needs: Sequence[str], mending: Mending) -> Iterator[Finding]:
    stores: list[Store] = []

    def look() -> str:
        mending.bucket, mending.writes = split_uri(uri)[0], CREATE in needs
        stores.append(connect(Patience(seconds=_SECONDS)))
        with translate_storage_errors(f"{BUCKET}{mending.bucket}", "storage.buckets.testIamPermissions"):
            granted = stores[0].client.bucket(mending.bucket).test_iam_permissions(list(needs), timeout=_SECONDS)
        _require(needs, granted)
        return f"{BUCKET}{mending.bucket}: may {', '.join(need.rpartition('.')[2] for need in needs)} objects"

    found = _look(f"{what} bucket", look, mending)
    yield found
    if found.state is State.FAILED:
        return
    if what == "source":
        yield _look("source objects", lambda: f"{len(stores[0].objects(uri))} found", mending)
    if mending.table_lies:
        yield _look(f"{what} location", lambda: _together(stores[0], mending), mending, optional=True)


def _together(store: Store, mending: Mending) -> str:
    """Compare where bucket and table lie: BigQuery exports within one location, from the US to anywhere."""
    bucket = store.client.bucket(mending.bucket)
    with translate_storage_errors(f"{BUCKET}{mending.bucket}", "storage.buckets.get"):
        bucket.reload(timeout=_SECONDS)
    here, there = str(bucket.location).upper(), mending.table_lies.upper()
    if there in (here, "US") or (there == "EU" and here.startswith("EUR")):
        return f"bucket in {here}, table in {there}"
    fix = f"gcloud storage buckets create gs://ANOTHER --location={there}, and name that one"
    raise UsageError(f"the bucket lies in {here}, the table in {there}: BigQuery cannot export there", fix=fix)
