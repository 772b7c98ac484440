"""Wait for jobs of BigQuery, and cancel them when the process is interrupted."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from steps.core import runtime
from steps.google.bigquery import connection
from steps.google.bigquery.client import REQUEST_SECONDS, request_retry
from steps.google.bigquery.errors import translate_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.cloud.bigquery import Client, LoadJob, QueryJob

    from steps.sources.reading import Reading

# Shorter than the time between SIGTERM and SIGKILL in the local executor (5 seconds) and Kubernetes (30 seconds).
_CANCEL_SECONDS = 4.0
_Job = TypeVar("_Job", "QueryJob", "LoadJob")


@contextmanager
def open_job_client(uri: str, reading: Reading) -> Iterator[Client]:
    """Open a client like ``connection.connect_to_source``, and translate the errors in the block too."""
    with translate_errors(uri), connection.connect_to_source(uri, reading) as client:
        yield client


def wait_for_job(job: _Job, where: str) -> _Job:
    """Wait for a job and return it.

    Args:
        job: The job.
        where: The name of the job in the log.

    Raises:
        google.api_core.exceptions.GoogleAPICallError: The job failed. The error is not translated.
    """
    runtime.log(f"{where}: job {job.project}:{job.location}.{job.job_id}")
    with wait_until_done(job):
        job.result(retry=request_retry(), timeout=REQUEST_SECONDS)
    return job


@contextmanager
def wait_until_done(job: QueryJob | LoadJob) -> Iterator[None]:
    """Enter the block when a job is done. Cancel the job when an interrupt or SIGTERM is received."""
    wait = 0.1
    try:
        while not job.done(retry=request_retry(), timeout=REQUEST_SECONDS):
            time.sleep(wait)
            wait = min(2 * wait, 5.0)
        yield
    except (KeyboardInterrupt, runtime.TerminatedError):
        with suppress(Exception):  # the process must end with the exit code of the signal
            job.cancel(retry=None, timeout=_CANCEL_SECONDS)
        raise
