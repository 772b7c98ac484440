"""Jobs of BigQuery: who is billed, waiting for them, and telling them to stop."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from steps.core import runtime
from steps.google.bigquery import connection
from steps.google.bigquery.client import REQUEST_SECONDS, patience
from steps.google.bigquery.errors import explained

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.cloud.bigquery import Client, LoadJob, QueryJob

    from steps.sources.reading import Reading

# Less than the local executor and Kubernetes wait between SIGTERM and SIGKILL (5 and 30 seconds).
_CANCEL_SECONDS = 4.0
_Job = TypeVar("_Job", "QueryJob", "LoadJob")


@contextmanager
def connected(uri: str, reading: Reading) -> Iterator[Client]:
    """Open a client as ``connection.connected``; what it raises in the block becomes an error of ours too."""
    with explained(uri), connection.connected(uri, reading) as client:
        yield client


def finished(job: _Job, where: str) -> _Job:
    """Wait for a job and return it; its error is raised as the client has it."""
    runtime.log(f"{where}: job {job.project}:{job.location}.{job.job_id}")
    with awaited(job):
        job.result(retry=patience(), timeout=REQUEST_SECONDS)
    return job


@contextmanager
def awaited(job: QueryJob | LoadJob) -> Iterator[None]:
    """Enter the block when a job is done; an interrupt or SIGTERM cancels the job."""
    wait = 0.1
    try:
        while not job.done(retry=patience(), timeout=REQUEST_SECONDS):
            time.sleep(wait)
            wait = min(2 * wait, 5.0)
        yield
    except (KeyboardInterrupt, runtime.TerminatedError):
        with suppress(Exception):  # the process ends for the signal, with the signal's exit code
            job.cancel(retry=None, timeout=_CANCEL_SECONDS)
        raise
