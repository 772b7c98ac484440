"""How a table in BigQuery is read: what a person chooses of it. Nothing heavy is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from steps.core import uris
from steps.core.errors import UsageError

SCHEME = uris.TABLE
MAXIMUM_BYTES_BILLED = 100 << 30


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
                    fix = f"use --source {SCHEME}PROJECT, or {SCHEME}PROJECT.DATASET.TABLE"
                    raise UsageError(f"{option} is for BigQuery, the source is {uri}", where=option, fix=fix)

    def described(self) -> dict[str, str]:
        """Return what of it says which rows are read, for the profile."""
        snapshot = self.snapshot.isoformat() if self.snapshot else ""
        return {key: value for key, value in (("query", self.query), ("snapshot_time", snapshot)) if value}


def parse_time(text: str) -> datetime | None:
    """Parse an RFC 3339 time with an offset, to the millisecond; None for an empty text, UsageError for another."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment.microsecond % 1000:
        fix = "write it as 2026-11-21T09:30:00Z, with at most three digits after the seconds"
        raise UsageError(f"{text!r} is no time in RFC 3339", where="--snapshot-time", fix=fix)
    return moment
