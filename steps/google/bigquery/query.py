"""Run a query. Its cost is logged before it runs, and a query above the limit is rejected."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.cloud import bigquery

from steps.core import runtime
from steps.core.errors import UsageError
from steps.google.bigquery.client import REQUEST_SECONDS, request_retry
from steps.google.bigquery.errors import translate_errors
from steps.google.bigquery.jobs import wait_until_done

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

SNAPSHOT = "snapshot_time"
_SNAPSHOT_USED = re.compile(rf"@{SNAPSHOT}\b", re.IGNORECASE)


@dataclass(frozen=True)
class Query:
    """A query.

    Attributes:
        sql: The SQL.
        where: The name of the query in messages.
        snapshot: The value of the parameter ``@snapshot_time``; None if the query has none.
        maximum_bytes_billed: The largest number of bytes to bill; 0 for no limit.
    """

    sql: str
    where: str
    snapshot: datetime | None
    maximum_bytes_billed: int

    def check_snapshot(self) -> None:
        """Raise UsageError if only one of the snapshot time and the parameter ``@snapshot_time`` is given."""
        used = _SNAPSHOT_USED.search(self.sql) is not None
        if self.snapshot and not used:
            fix = f"write FOR SYSTEM_TIME AS OF @{SNAPSHOT} after the table's name"
            raise UsageError(f"the query does not use @{SNAPSHOT}", where=self.where, fix=fix)
        if used and not self.snapshot:
            raise UsageError(f"the query needs @{SNAPSHOT}", where=self.where, fix="use --snapshot-time")

    def configuration(self, *, dry_run: bool) -> bigquery.QueryJobConfig:
        """Return the configuration of the job: limit, snapshot time, and labels for the bill."""
        configuration = bigquery.QueryJobConfig(dry_run=dry_run, labels=job_labels(), use_legacy_sql=False)
        if self.snapshot:
            value = bigquery.ScalarQueryParameter(SNAPSHOT, "TIMESTAMP", self.snapshot)
            configuration.query_parameters = [value]
        if self.maximum_bytes_billed and not dry_run:
            configuration.maximum_bytes_billed = self.maximum_bytes_billed
        return configuration


def job_labels() -> dict[str, str]:
    """Return the labels of a job: ``app``, and ``run`` if the environment names a run."""
    run = re.sub(r"[^a-z0-9_-]", "-", os.environ.get("COVERTYPE_RUN", "").lower())[:63]
    return {"app": "covertype"} | ({"run": run} if run else {})


def run_query(
    client: bigquery.Client, query: Query, check: Callable[[Sequence[str]], object]
) -> tuple[bigquery.TableReference, list[bigquery.SchemaField], int]:
    """Run a query.

    Args:
        client: The client.
        query: The query.
        check: Called with the column names of the result before anything is billed, if BigQuery knows them.

    Returns:
        The table with the result, its fields, and its number of rows.

    Raises:
        UsageError: The query is wrong, is not a SELECT, or would bill more than the limit.
    """
    query.check_snapshot()
    with translate_errors(query.where):
        estimate = client.query(
            query.sql, query.configuration(dry_run=True), retry=request_retry(), job_retry=None, timeout=REQUEST_SECONDS
        )
        _check_cost(query, estimate.total_bytes_processed or 0)
        if estimate.statement_type not in (None, "SELECT"):
            what = f"this is {estimate.statement_type}, not SELECT"
            raise UsageError(what, where=query.where, fix="write one SELECT")
        if estimate.schema:
            check([field.name for field in estimate.schema])
        job = client.query(
            query.sql,
            query.configuration(dry_run=False),
            retry=request_retry(),
            job_retry=None,
            timeout=REQUEST_SECONDS,
        )
        runtime.log(f"{query.where}: job {job.project}:{job.location}.{job.job_id}")
        with wait_until_done(job):
            result = job.result(retry=request_retry(), job_retry=None, timeout=REQUEST_SECONDS)
        return job.destination, list(result.schema), result.total_rows or 0


def _check_cost(query: Query, processed: int) -> None:
    limit = f"limit {query.maximum_bytes_billed:,}" if query.maximum_bytes_billed else "no limit"
    runtime.log(f"{query.where}: will process {processed:,} bytes ({limit})")
    if query.maximum_bytes_billed and processed > query.maximum_bytes_billed:
        raise UsageError(
            f"the query would process {processed:,} bytes, {query.maximum_bytes_billed:,} are allowed",
            where=query.where,
            fix=f"read less, or use --maximum-bytes-billed {processed}",
        )
