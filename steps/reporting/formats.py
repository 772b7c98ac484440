"""Numbers as the report page shows them: the filters of its templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTHING = "–"
_MEBIBYTE, _GIBIBYTE = 1 << 20, 1 << 30
# A confusion with a smaller share of its row is shown as less than this.
_SMALLEST_SHARE = 0.001


def metric(value: float | None) -> str:
    """Return a metric with four decimals, a dash if it is not defined."""
    return NOTHING if value is None else f"{value:.4f}"


def interval(ends: Sequence[float] | None) -> str:
    """Return the ends of an interval with four decimals, an empty text if there is none."""
    return "" if ends is None else f"{ends[0]:.4f}–{ends[1]:.4f}"


def thousands(count: int) -> str:
    """Return a count with separators between the thousands."""
    return f"{count:,}"


def percent(share: float, decimals: int = 0) -> str:
    """Return a share of 1 as a percentage."""
    return f"{share:.{decimals}%}"


def row_percent(count: int, total: int) -> str:
    """Return the percentage of a table's row that a cell holds, an empty text for an empty cell."""
    if not count:
        return ""
    return percent(count / total, 1) if count >= total * _SMALLEST_SHARE else f"<{percent(_SMALLEST_SHARE, 1)}"


def seconds(duration: float, decimals: int = 2) -> str:
    """Return a duration with its unit, s."""
    return f"{duration:,.{decimals}f} s"


def size(count: int) -> str:
    """Return a number of bytes in MiB or GiB, a dash for 0."""
    if not count:
        return NOTHING
    return f"{count / _GIBIBYTE:.2f} GiB" if count >= _GIBIBYTE else f"{count / _MEBIBYTE:.1f} MiB"


FILTERS = {each.__name__: each for each in (metric, interval, thousands, percent, seconds, size)}
