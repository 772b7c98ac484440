"""Points in time: that a person gives, and the present one."""

from __future__ import annotations

from datetime import UTC, datetime

from steps.core.errors import UsageError


def parse_time(text: str, where: str = "--snapshot-time") -> datetime | None:
    """Parse a time in RFC 3339 with an offset and at most milliseconds. Return None for an empty text.

    Args:
        text: The text.
        where: The option, for error messages.

    Raises:
        UsageError: The text is in another form.
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment.microsecond % 1000:
        fix = "write it as 2026-11-21T09:30:00Z, with at most three digits after the seconds"
        raise UsageError(f"{text!r} is not a time in RFC 3339", where=where, fix=fix)
    return moment


def now(*, precise: bool = False) -> str:
    """Return the present time in UTC in RFC 3339, to the second, or to the microsecond where the order counts."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}" if precise else f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
