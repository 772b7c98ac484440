"""Load the builtin table of the project into BigQuery by one load job, all rows or none."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.api_core import exceptions as api
from google.cloud import bigquery

from steps.core import runtime
from steps.core.errors import UsageError
from steps.google.bigquery import parse_address
from steps.google.bigquery.client import REQUEST_SECONDS, request_retry
from steps.google.bigquery.errors import reason_of
from steps.google.bigquery.jobs import open_job_client, wait_for_job
from steps.google.bigquery.query import job_labels
from steps.sources import files
from steps.sources.reading import SCHEME, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steps.schema import Schema

_ATTEMPTS = 6


@dataclass(frozen=True)
class Loaded:
    """A loaded table: its address as a source, its number of rows, and the location of its dataset."""

    uri: str
    rows: int
    location: str


def load(name: str, schema: Schema, *, location: str = "", replace: bool = False) -> Loaded:
    """Load the builtin table of a schema.

    Args:
        name: ``project.dataset.table``, with or without ``bq://``. A missing dataset is created.
        schema: The schema.
        location: The location of the dataset; empty for the service's default.
        replace: Whether to replace an existing table, with its columns.

    Raises:
        UsageError: The table exists already, or the dataset is in another location.
        DeniedError: There are no credentials, or a permission is missing, which the message names.
        TransientError: The service or the connection failed until retries ended.
    """
    uri = SCHEME + name[len(SCHEME) if name.lower().startswith(SCHEME) else 0 :]
    with _name_option_in_errors(uri):
        address = parse_address(uri, Reading())
    path = files.resolve_paths("builtin:", schema)[0]
    target = bigquery.DatasetReference(address.project, address.dataset).table(address.table)
    with open_job_client(uri, Reading(location=location)) as client:
        actual_location = _get_or_create_dataset(client, target, location)
        if not replace:
            _require_absent(client, target, uri)
        rows = _load_file(client, path, target, actual_location, replace=replace)
        return Loaded(uri, rows, actual_location)


@contextmanager
def _name_option_in_errors(uri: str) -> Iterator[None]:
    """Replace the option in an error about the address by ``--table``."""
    try:
        yield
    except UsageError:
        what = f"{uri.removeprefix(SCHEME)!r} is not a table"
        raise UsageError(what, where="--table", fix="write PROJECT.DATASET.TABLE") from None


def _get_or_create_dataset(client: bigquery.Client, target: bigquery.TableReference, location: str) -> str:
    """Create the dataset if it does not exist, and return its location."""
    wanted = bigquery.Dataset(bigquery.DatasetReference(target.project, target.dataset_id))
    wanted.location = location or None
    name = f"{target.project}.{target.dataset_id}"
    try:
        found = client.get_dataset(wanted.reference, retry=request_retry(), timeout=REQUEST_SECONDS)
    except api.NotFound:
        found = client.create_dataset(wanted, exists_ok=True, retry=request_retry(), timeout=REQUEST_SECONDS)
        runtime.log(f"dataset {name} created in {found.location}")
    if location and found.location.lower() != location.lower():
        what = f"dataset {name} is in {found.location}, not in {location}"
        raise UsageError(what, where="--location", fix=f"use --location {found.location}, or another dataset")
    return str(found.location)


def _require_absent(client: bigquery.Client, target: bigquery.TableReference, uri: str) -> None:
    try:
        client.get_table(target, retry=request_retry(), timeout=REQUEST_SECONDS)
    except api.NotFound:
        return
    raise _table_exists_error(uri)


def _table_exists_error(uri: str) -> UsageError:
    return UsageError("the table already exists", where=uri, fix="choose another name, or replace it with --replace")


def _load_file(
    client: bigquery.Client, path: Path, target: bigquery.TableReference, location: str, *, replace: bool
) -> int:
    disposition = bigquery.WriteDisposition
    configuration = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.PARQUET,
        write_disposition=disposition.WRITE_TRUNCATE if replace else disposition.WRITE_EMPTY,
        labels=job_labels(),
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
        return int(wait_for_job(job, f"load of {path.name}").output_rows or 0)
    except api.GoogleAPICallError as error:
        if reason_of(error) == "duplicate":  # another process created the table first
            raise _table_exists_error(f"{SCHEME}{target.project}.{target.dataset_id}.{target.table_id}") from None
        raise
