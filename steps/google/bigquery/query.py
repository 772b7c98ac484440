"""A query's result as a table: what it will cost is said before, and refused above the limit."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.cloud import bigquery

from steps.core import runtime
from steps.core.errors import UsageError
from steps.google.bigquery.client import REQUEST_SECONDS, patience
from steps.google.bigquery.errors import explained
from steps.google.bigquery.jobs import awaited

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

SNAPSHOT = "snapshot_time"
_SNAPSHOT_USED = re.compile(rf"@{SNAPSHOT}\b", re.IGNORECASE)


@dataclass(frozen=True)
class Query:
    """SQL to run: ``where`` is what messages call it, ``maximum_bytes_billed`` is 0 for no limit."""

    sql: str
    where: str
    snapshot: datetime | None
    maximum_bytes_billed: int

    def check_snapshot(self) -> None:
        """Raise UsageError unless the query has the parameter ``@snapshot_time`` where there is a snapshot time."""
        used = _SNAPSHOT_USED.search(self.sql) is not None
        if self.snapshot and not used:
            fix = f"write FOR SYSTEM_TIME AS OF @{SNAPSHOT} after the table's name"
            raise UsageError(f"the query does not use @{SNAPSHOT}", where=self.where, fix=fix)
        if used and not self.snapshot:
            raise UsageError(f"the query needs @{SNAPSHOT}", where=self.where, fix="use --snapshot-time")

    def configuration(self, *, dry_run: bool) -> bigquery.QueryJobConfig:
        """Return how to run it: the limit, the snapshot time as a parameter, and labels for the bill."""
        configuration = bigquery.QueryJobConfig(dry_run=dry_run, labels=labels(), use_legacy_sql=False)
        if self.snapshot:
            value = bigquery.ScalarQueryParameter(SNAPSHOT, "TIMESTAMP", self.snapshot)
            configuration.query_parameters = [value]
        if self.maximum_bytes_billed and not dry_run:
            configuration.maximum_bytes_billed = self.maximum_bytes_billed
        return configuration


def labels() -> dict[str, str]:
    """Return the labels of every job: ``app``, and ``run`` where the environment names one."""
    run = re.sub(r"[^a-z0-9_-]", "-", os.environ.get("COVERTYPE_RUN", "").lower())[:63]
    return {"app": "covertype"} | ({"run": run} if run else {})


def run(
    client: bigquery.Client, query: Query, check: Callable[[Sequence[str]], object]
) -> tuple[bigquery.TableReference, list[bigquery.SchemaField], int]:
    """Run a query and return the table that holds its result, the table's fields, and its number of rows.

    ``check`` is given the names of the result's columns before anything is billed, where BigQuery tells them.

    Raises:
        UsageError: the query is wrong, is no SELECT, or would bill more than the limit.
    """
    query.check_snapshot()
    with explained(query.where):
        estimate = client.query(
            query.sql, query.configuration(dry_run=True), retry=patience(), job_retry=None, timeout=REQUEST_SECONDS
        )
        _check_cost(query, estimate.total_bytes_processed or 0)
        if estimate.statement_type not in (None, "SELECT"):
            what = f"this is no SELECT but {estimate.statement_type}"
            raise UsageError(what, where=query.where, fix="write one SELECT")
        if estimate.schema:
            check([field.name for field in estimate.schema])
        job = client.query(
            query.sql, query.configuration(dry_run=False), retry=patience(), job_retry=None, timeout=REQUEST_SECONDS
        )
        runtime.log(f"{query.where}: job {job.project}:{job.location}.{job.job_id}")
        with awaited(job):
            result = job.result(retry=patience(), job_retry=None, timeout=REQUEST_SECONDS)
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
