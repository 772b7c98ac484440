"""Jobs of BigQuery other than the reading of one query: who is billed, waiting for them, and telling them to stop."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from steps import runtime
from steps.bigquery import parse
from steps.bigquery_client import REQUEST_SECONDS, connect, own_project, patience
from steps.bigquery_errors import explained

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.cloud import bigquery

    from steps.reading import Reading

_Job = TypeVar("_Job", "bigquery.QueryJob", "bigquery.LoadJob")


@contextmanager
def connected(uri: str, reading: Reading) -> Iterator[bigquery.Client]:
    """Open a client that bills the project of the address, or with a table that of the credentials if they have one.

    What the client raises in the block becomes an error of ours about the source.
    """
    address = parse(uri, reading)
    with explained(uri):
        client = connect(address.project if reading.query else own_project() or address.project, reading.location)
        try:
            yield client
        finally:
            client.close()  # type: ignore[no-untyped-call]


def finished(job: _Job, where: str) -> _Job:
    """Wait for a job and return it; its error is raised as the client has it."""
    runtime.log(f"{where}: job {job.project}:{job.location}.{job.job_id}")
    wait = 0.1
    try:
        while not job.done(retry=patience(), timeout=REQUEST_SECONDS):
            time.sleep(wait)
            wait = min(2 * wait, 5.0)
    except KeyboardInterrupt:
        job.cancel(retry=None, timeout=REQUEST_SECONDS)
        raise
    job.result(retry=patience(), timeout=REQUEST_SECONDS)
    return job
