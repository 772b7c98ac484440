"""How a table in BigQuery is read: what a person chooses of it. Nothing heavy is imported here."""

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
    """How to read from BigQuery: ``query`` is SQL, ``query_name`` its file, times are aware, bytes 0 for no limit."""

    query: str = ""
    query_name: str = ""
    snapshot: datetime | None = None
    location: str = ""
    maximum_bytes_billed: int = MAXIMUM_BYTES_BILLED

    def check(self, uri: str) -> None:
        """Raise UsageError where a source of another kind is given what only BigQuery has."""
        if not uri.startswith(SCHEME):
            for option, given in (("--query", self.query), ("--snapshot-time", self.snapshot)):
                if given:
                    fix = f"say --source {SCHEME}PROJECT, or {SCHEME}PROJECT.DATASET.TABLE"
                    raise UsageError(f"{option} is for BigQuery, the source is {uri}", where=option, fix=fix)

    def described(self) -> dict[str, str]:
        """Return what of it says which rows are read, for the profile."""
        snapshot = self.snapshot.isoformat() if self.snapshot else ""
        return {key: value for key, value in (("query", self.query), ("snapshot_time", snapshot)) if value}
