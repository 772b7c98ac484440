"""Put the table that comes with the project into a dataset of BigQuery: one load job, all rows or none."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.api_core import exceptions as api
from google.cloud import bigquery

from steps.core import runtime
from steps.core.errors import UsageError
from steps.google.bigquery import parse
from steps.google.bigquery.client import REQUEST_SECONDS, patience
from steps.google.bigquery.errors import reason_of
from steps.google.bigquery.jobs import connected, finished
from steps.google.bigquery.query import labels
from steps.sources import files
from steps.sources.reading import SCHEME, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steps.schema import Schema

_ATTEMPTS = 6


@dataclass(frozen=True)
class Loaded:
    """A table that was loaded: its address as a source, its number of rows, and where its dataset lies."""

    uri: str
    rows: int
    location: str


def load(name: str, schema: Schema, *, location: str = "", replace: bool = False) -> Loaded:
    """Load the schema's builtin table as ``project.dataset.table``.

    Args:
        name: the table, with or without ``bq://``; its dataset is made where there is none.
        schema: whose table it is.
        location: where a new dataset lies, and an existing one must lie; empty for the service's default.
        replace: put it in the place of a table that is there, rows and columns.

    Raises:
        UsageError: there is such a table, or the dataset lies elsewhere.
        DeniedError: a permission is missing, the message names it; or there are no credentials.
        TransientError: the service or the connection failed until retries ended.
    """
    uri = SCHEME + name[len(SCHEME) if name.lower().startswith(SCHEME) else 0 :]
    with _as_table(uri):
        address = parse(uri, Reading())
    path = files.resolve_paths("builtin:", schema)[0]
    target = bigquery.DatasetReference(address.project, address.dataset).table(address.table)
    with connected(uri, Reading(location=location)) as client:
        there = _dataset(client, target, location)
        if not replace:
            _check_absent(client, target, uri)
        return Loaded(uri, _load(client, path, target, there, replace=replace), there)


@contextmanager
def _as_table(uri: str) -> Iterator[None]:
    """Let an error about the address name this verb's option."""
    try:
        yield
    except UsageError:
        what = f"{uri.removeprefix(SCHEME)!r} is no table"
        raise UsageError(what, where="--table", fix="write PROJECT.DATASET.TABLE") from None


def _dataset(client: bigquery.Client, target: bigquery.TableReference, location: str) -> str:
    """Make the dataset where there is none; return where it lies."""
    wanted = bigquery.Dataset(bigquery.DatasetReference(target.project, target.dataset_id))
    wanted.location = location or None
    name = f"{target.project}.{target.dataset_id}"
    try:
        found = client.get_dataset(wanted.reference, retry=patience(), timeout=REQUEST_SECONDS)
    except api.NotFound:
        found = client.create_dataset(wanted, exists_ok=True, retry=patience(), timeout=REQUEST_SECONDS)
        runtime.log(f"dataset {name} made in {found.location}")
    if location and found.location.lower() != location.lower():
        what = f"dataset {name} lies in {found.location}, not in {location}"
        raise UsageError(what, where="--location", fix=f"use --location {found.location}, or name another dataset")
    return str(found.location)


def _check_absent(client: bigquery.Client, target: bigquery.TableReference, uri: str) -> None:
    try:
        client.get_table(target, retry=patience(), timeout=REQUEST_SECONDS)
    except api.NotFound:
        return
    raise _there(uri)


def _there(uri: str) -> UsageError:
    return UsageError("there is such a table", where=uri, fix="name another one, or replace it with --replace")


def _load(client: bigquery.Client, path: Path, target: bigquery.TableReference, location: str, *, replace: bool) -> int:
    disposition = bigquery.WriteDisposition
    configuration = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.PARQUET,
        write_disposition=disposition.WRITE_TRUNCATE if replace else disposition.WRITE_EMPTY,
        labels=labels(),
    )
    with path.open("rb") as file:
        job = client.load_table_from_file(
            file,
            target,
            size=path.stat().st_size,
            num_retries=_ATTEMPTS,
            location=location,
            job_config=configuration,
            timeout=REQUEST_SECONDS,
        )
    try:
        return int(finished(job, f"load of {path.name}").output_rows or 0)
    except api.GoogleAPICallError as error:
        if reason_of(error) == "duplicate":  # somebody else was faster
            raise _there(f"{SCHEME}{target.project}.{target.dataset_id}.{target.table_id}") from None
        raise
