"""The options for reading from BigQuery. This module imports no library, because ``workflows`` uses it too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.core import uris
from steps.core.errors import UsageError
from steps.options.prepare import MAXIMUM_BYTES_BILLED

if TYPE_CHECKING:
    from datetime import datetime

SCHEME = uris.TABLE


@dataclass(frozen=True)
class Reading:
    """The options for reading from BigQuery.

    Attributes:
        query: The SQL of a query to read instead of a table; empty for a table.
        query_name: The name of the file with the query, for messages.
        snapshot: The time, with time zone, at which the table is read; None for now.
        location: The location of the dataset, such as ``EU``; empty for the service's default.
        maximum_bytes_billed: The largest number of bytes that a query may bill; 0 for no limit.
    """

    query: str = ""
    query_name: str = ""
    snapshot: datetime | None = None
    location: str = ""
    maximum_bytes_billed: int = MAXIMUM_BYTES_BILLED

    def check_source(self, uri: str) -> None:
        """Raise UsageError if the source is not in BigQuery, but an option for BigQuery is set."""
        if not uri.startswith(SCHEME):
            for option, given in (("--query", self.query), ("--snapshot-time", self.snapshot)):
                if given:
                    fix = f"use --source {SCHEME}PROJECT, or {SCHEME}PROJECT.DATASET.TABLE"
                    raise UsageError(f"{option} is for BigQuery, the source is {uri}", where=option, fix=fix)

    def profile_entries(self) -> dict[str, str]:
        """Return the options that decide which rows are read, for ``profile.json``."""
        snapshot = self.snapshot.isoformat() if self.snapshot else ""
        return {key: value for key, value in (("query", self.query), ("snapshot_time", snapshot)) if value}
