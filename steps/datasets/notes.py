"""Notes on a table for readers of the results: which rows were dropped, and what is unusual about the rows used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steps.datasets import missing
from steps.options.prepare import OnMissing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from steps.schema import Schema

# The relative difference from which two shares of a cover type count as different. The difference that comes from
# rounding to whole rows is smaller for cover types with ten or more rows.
_DIFFERENCE = 0.05
# The largest number of cover types or columns in a note.
_MOST_NAMED = 5


def compare_prevalence(source: Mapping[str, int], used: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Return the share of each cover type in the source and in the rows used, and whether they differ.

    Args:
        source: The number of rows of the source by slug, before any row was dropped.
        used: The number of rows used by slug.

    Returns:
        ``source``, ``used`` (shares, 0 to 1) and ``differs`` by slug.
    """
    of_source, of_used = max(1, sum(source.values())), max(1, sum(used.values()))
    shares = {slug: (source[slug] / of_source, used[slug] / of_used) for slug in source}
    return {
        slug: {"source": round(a, 6), "used": round(b, 6), "differs": abs(b - a) > _DIFFERENCE * a}
        for slug, (a, b) in shares.items()
    }


def make_notes(profile: Mapping[str, Any], schema: Schema, on_missing: OnMissing) -> list[str]:
    """Return the notes on a table from its profile, one sentence each. A table without peculiarities has no notes."""
    return [
        *_notes_on_dropped_rows(profile, schema, on_missing),
        *_notes_on_prevalence(profile["prevalence"]),
        *_notes_on_columns(profile["columns"], profile["rows"]),
    ]


def _notes_on_dropped_rows(profile: Mapping[str, Any], schema: Schema, on_missing: OnMissing) -> list[str]:
    total, dropped = profile["rows_read"], profile["dropped"]
    found = []
    if count := dropped["missing"]:
        unlabelled = on_missing is OnMissing.KEEP
        why = f"have no value in column {schema.target!r}" if unlabelled else "have a missing value"
        which = "" if unlabelled else f" ({missing.format_counts(profile['missing'])})"
        found.append(f"{_format_share(count, total)} {why}{which} and were dropped")
    if count := dropped["duplicates"]:
        found.append(f"{_format_share(count, total)} are equal to an earlier row and were dropped")
    return found


def _format_share(count: int, total: int) -> str:
    return f"{count:,} of {total:,} rows ({count / total:.1%})"


def _notes_on_prevalence(shares: Mapping[str, Mapping[str, Any]]) -> list[str]:
    different = {slug: entry for slug, entry in shares.items() if entry["differs"]}
    if not different:
        return []
    most = sorted(different.items(), key=lambda item: -abs(item[1]["used"] - item[1]["source"]))
    listed = [f"{slug} {entry['source']:.2%} and {entry['used']:.2%}" for slug, entry in most[:_MOST_NAMED]]
    rest = f" and {len(most) - _MOST_NAMED} more" if len(most) > _MOST_NAMED else ""
    what = "cover types differ in their shares of the source and of the rows used"
    return [f"{what}: {', '.join(listed)}{rest}; the metrics are about the rows used"]


def _notes_on_columns(columns: Mapping[str, Mapping[str, Any]], rows: int) -> list[str]:
    some = {name: column["missing"] for name, column in columns.items() if 0 < column["missing"] < rows}
    found = []
    if some:
        in_order = dict(sorted(some.items(), key=lambda item: -item[1]))
        found.append(f"missing values were kept: {missing.format_counts(in_order)}")
    for what, names in (
        ("has no value in any row", [name for name, column in columns.items() if column["missing"] == rows]),
        ("has the same value in all rows", [name for name, column in columns.items() if _is_constant(column, rows)]),
    ):
        found += [f"column {name!r} {what}: a model learns nothing from it" for name in names[:_MOST_NAMED]]
        found += [f"{len(names) - _MOST_NAMED} more such columns"] if len(names) > _MOST_NAMED else []
    return found


def _is_constant(column: Mapping[str, Any], rows: int) -> bool:
    if column["missing"]:
        return False
    return rows in column["counts"].values() if "counts" in column else column["minimum"] == column["maximum"]
