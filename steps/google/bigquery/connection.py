"""Open a client of BigQuery for a source, billed to the correct project."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from steps.google.bigquery.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.cloud import bigquery

    from steps.sources.reading import Reading


@contextmanager
def connect_to_source(uri: str, reading: Reading) -> Iterator[bigquery.Client]:
    """Open a client for a source.

    It bills the project of the address for a query. For a table it bills the project of the credentials, if they have
    one.
    """
    address = parse_address(uri, reading)
    from steps.google.bigquery.client import connect, own_project
    from steps.google.bigquery.errors import translate_errors

    with translate_errors(uri):
        client = connect(address.project if reading.query else own_project() or address.project, reading.location)
    try:
        yield client
    finally:
        client.close()  # type: ignore[no-untyped-call]
