"""A client of BigQuery for an address, billed to the right project."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from steps.google.bigquery.address import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.cloud import bigquery

    from steps.sources.reading import Reading


@contextmanager
def connected(uri: str, reading: Reading) -> Iterator[bigquery.Client]:
    """Open a client that bills the project of the address, or with a table that of the credentials if they have one."""
    address = parse(uri, reading)
    from steps.google.bigquery.client import connect, own_project
    from steps.google.bigquery.errors import explained

    with explained(uri):
        client = connect(address.project if reading.query else own_project() or address.project, reading.location)
    try:
        yield client
    finally:
        client.close()  # type: ignore[no-untyped-call]
