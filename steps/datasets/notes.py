"""What a reader of the results must know of the rows: which were dropped, and what is odd about the ones used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steps.datasets import missing
from steps.options.prepare import OnMissing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from steps.schema import Schema

# Relative difference from which on a cover type's shares of the source and of the rows used count as different.
# Rounding to whole rows stays below it from ten rows on.
_DIFFERENCE = 0.05
# Cover types or columns that one note names at most.
_MOST = 5


def prevalence(source: Mapping[str, int], used: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Return each cover type's share of the source's rows and of the rows used, and whether they differ.

    Args:
        source: rows of the source by slug, before any was dropped.
        used: rows used by slug.
    """
    of_source, of_used = max(1, sum(source.values())), max(1, sum(used.values()))
    shares = {slug: (source[slug] / of_source, used[slug] / of_used) for slug in source}
    return {
        slug: {"source": round(a, 6), "used": round(b, 6), "differs": abs(b - a) > _DIFFERENCE * a}
        for slug, (a, b) in shares.items()
    }


def notes(profile: Mapping[str, Any], schema: Schema, on_missing: OnMissing) -> list[str]:
    """Return the notes on a table, a sentence each, from its profile; none where all is as one would expect."""
    return [
        *_dropped(profile, schema, on_missing),
        *_shares(profile["prevalence"]),
        *_columns(profile["columns"], profile["rows"]),
    ]


def _dropped(profile: Mapping[str, Any], schema: Schema, on_missing: OnMissing) -> list[str]:
    total, dropped = profile["rows_read"], profile["dropped"]
    found = []
    if count := dropped["missing"]:
        unlabelled = on_missing is OnMissing.KEEP
        why = f"have no value in column {schema.target!r}" if unlabelled else "have a missing value"
        which = "" if unlabelled else f" ({missing.listed(profile['missing'])})"
        found.append(f"{_share(count, total)} {why}{which} and were dropped")
    if count := dropped["duplicates"]:
        found.append(f"{_share(count, total)} are equal to an earlier row and were dropped")
    return found


def _share(count: int, total: int) -> str:
    return f"{count:,} of {total:,} rows ({count / total:.1%})"


def _shares(shares: Mapping[str, Mapping[str, Any]]) -> list[str]:
    different = {slug: entry for slug, entry in shares.items() if entry["differs"]}
    if not different:
        return []
    most = sorted(different.items(), key=lambda item: -abs(item[1]["used"] - item[1]["source"]))
    shown = [f"{slug} {entry['source']:.2%} and {entry['used']:.2%}" for slug, entry in most[:_MOST]]
    rest = f" and {len(most) - _MOST} more" if len(most) > _MOST else ""
    what = "cover types differ in their shares of the source and of the rows used"
    return [f"{what}: {', '.join(shown)}{rest}; the metrics are about the rows used"]


def _columns(columns: Mapping[str, Mapping[str, Any]], rows: int) -> list[str]:
    some = {name: column["missing"] for name, column in columns.items() if 0 < column["missing"] < rows}
    found = []
    if some:
        in_order = dict(sorted(some.items(), key=lambda item: -item[1]))
        found.append(f"missing values were kept: {missing.listed(in_order)}")
    for what, names in (
        ("has no value in any row", [name for name, column in columns.items() if column["missing"] == rows]),
        ("has the same value in all rows", [name for name, column in columns.items() if _is_constant(column, rows)]),
    ):
        found += [f"column {name!r} {what}: a model learns nothing from it" for name in names[:_MOST]]
        found += [f"{len(names) - _MOST} more such columns"] if len(names) > _MOST else []
    return found


def _is_constant(column: Mapping[str, Any], rows: int) -> bool:
    if column["missing"]:
        return False
    return rows in column["counts"].values() if "counts" in column else column["minimum"] == column["maximum"]
