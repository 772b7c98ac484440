"""What drifted: a document with all numbers, and one line for the console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from steps.drift import statistics
from steps.drift.reference import Categorical, Numeric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steps.drift.counting import Counter

    Counts = NDArray[np.int64]

# With fewer rows, even large differences are chance.
LEAST_ROWS = 200
TOO_FEW = "too few rows"
# The number of bins of the PSI, and the smallest share of the training rows that a category needs for its own.
_GROUPS, _RARE = 10, 0.01
# Columns that the line names.
_MOST_NAMED = 3
MISSING, RARE, ALL = "missing", "rare categories", "all values"


def measure(counter: Counter, *, complete: bool = True) -> dict[str, Any]:
    """Return the statistics of all columns and of the predicted cover types.

    Args:
        counter: The counted rows.
        complete: Whether there is a model of each cover type. Otherwise predicted shares say nothing.

    Returns:
        ``rows``, ``level`` (the highest of all), ``columns`` and ``predicted`` as plain JSON values.
    """
    reference = counter.reference
    enough = counter.rows >= LEAST_ROWS
    columns = {
        name: {
            **_column(column, counter.counts[name], counter.missing[name], enough=enough),
            "missing": _shares(column.missing, int(column.counts.sum()), counter.missing[name], counter.rows),
        }
        for name, column in reference.columns.items()
    }
    predicted = None
    if complete:
        bins = [(slug, np.array([at])) for at, slug in enumerate(reference.slugs)]
        predicted = _compare(reference.cover_types, counter.predicted, bins, enough=enough)
    entries = [*columns.values(), *([predicted] if predicted else [])]
    levels = [entry["level"] for entry in entries]
    highest = max(levels, key=statistics.LEVELS.index) if enough else TOO_FEW
    return {"rows": counter.rows, "level": highest, "columns": columns, "predicted": predicted}


def _shares(missing: int, present: int, given: int, rows: int) -> dict[str, float]:
    return {"training": missing / max(missing + present, 1), "input": given / max(rows, 1)}


def _column(column: Numeric | Categorical, given: Counts, missing: int, *, enough: bool) -> dict[str, Any]:
    """Return the statistics of a column, whose missing values are a bin of their own."""
    entry = _compare(training_bins(column), np.append(given, missing), groups_of(column), enough=enough)
    if isinstance(column, Categorical):
        unseen = int(given[column.counts == 0].sum())
        return {"kind": "categorical", **entry, "unseen": unseen / max(int(given.sum()) + missing, 1)}
    values = int(given.sum())
    if not values or not column.counts.sum():
        return {"kind": "numeric", **entry, "ks": None, "ks_noise": None}
    ks = statistics.ks(np.append(column.counts, 0), given)
    noise = statistics.ks_noise(int(column.counts.sum()), values)
    found = statistics.level(ks, noise, statistics.KS_LIMITS) if enough else statistics.NONE
    highest = max(found, entry["level"], key=statistics.LEVELS.index)
    return {"kind": "numeric", **entry, "level": highest, "ks": ks, "ks_noise": noise}


def training_bins(column: Numeric | Categorical) -> Counts:
    """Return the number of training rows in each bin: those of the profile, above the largest (numeric), missing."""
    above = [0] if isinstance(column, Numeric) else []
    return np.concatenate([column.counts, [*above, column.missing]])


def groups_of(column: Numeric | Categorical) -> list[tuple[str, NDArray[np.int64]]]:
    """Return the groups of bins that the PSI compares: their names, and the positions in :func:`training_bins`.

    The groups of a numeric column are ascending. The last group is that of missing values.
    """
    return _categories(column) if isinstance(column, Categorical) else _deciles(column)


def _deciles(column: Numeric) -> list[tuple[str, NDArray[np.int64]]]:
    """Return ten groups of bins with about equal numbers of training rows, one of missing values, and their names."""
    total = max(int(column.counts.sum()), 1)
    slots = (np.cumsum(column.counts) - column.counts) * _GROUPS // total
    groups = []
    for slot in np.unique(slots):
        at = np.flatnonzero(slots == slot)
        groups.append((f"to {column.upper[at[-1]]:g}", at))
    above, missing = len(column.counts), len(column.counts) + 1
    last = groups.pop()[1] if groups else np.zeros(0, np.int64)
    name = f"above {column.upper[last[0] - 1]:g}" if groups else ALL
    return [*groups, (name, np.append(last, above)), (MISSING, np.array([missing]))]


def _categories(column: Categorical) -> list[tuple[str, NDArray[np.int64]]]:
    """Return the frequent categories, one group of the rare ones, and one of missing values, with their names."""
    shares = column.counts / max(int(column.counts.sum()), 1)
    groups = [(column.values[at], np.array([at])) for at in np.flatnonzero(shares >= _RARE)]
    rare = np.flatnonzero(shares < _RARE)
    return [*groups, *([(RARE, rare)] if len(rare) else []), (MISSING, np.array([len(column.counts)]))]


def _compare(
    training: Counts, given: Counts, groups: list[tuple[str, NDArray[np.int64]]], *, enough: bool
) -> dict[str, Any]:
    """Return PSI, total variation, level, and the shares of the groups of bins. Groups that are empty are left out."""
    p, q = (np.array([counts[at].sum() for _, at in groups], np.int64) for counts in (training, given))
    found = statistics.compare(p, q)
    if found is None:
        return {"psi": None, "psi_noise": None, "total_variation": None, "level": statistics.NONE, "bins": []}
    bins = [
        {"name": groups[at][0], "training": float(p[at] / p.sum()), "input": float(q[at] / q.sum())}
        for at in np.flatnonzero(found.kept)
    ]
    return {
        "psi": found.psi,
        "psi_noise": found.noise,
        "total_variation": found.total_variation,
        "level": statistics.level(found.psi, found.noise, statistics.PSI_LIMITS) if enough else statistics.NONE,
        "bins": bins,
    }


def drifted(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the names and entries of what drifted, the largest PSI first; predicted shares are ``predicted``."""
    entries = [*document["columns"].items(), ("predicted shares", document["predicted"])]
    found = [(name, entry) for name, entry in entries if entry and entry["level"] != statistics.NONE]
    rank = statistics.LEVELS.index
    return sorted(found, key=lambda each: (-rank(each[1]["level"]), -(each[1]["psi"] or 0), each[0]))


def summary_line(document: dict[str, Any]) -> str:
    """Return one line with what drifted, an empty text if nothing did."""
    found = drifted(document)
    if document["level"] == TOO_FEW or not found:
        return ""
    parts = [f"{name} {entry['level']} ({_numbers(entry)})" for name, entry in found[:_MOST_NAMED]]
    more = f", and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return f"drift against the training rows: {', '.join(parts)}{more}"


def _numbers(entry: dict[str, Any]) -> str:
    ks = f", KS {entry['ks']:.2f}" if entry.get("ks") is not None else ""
    return f"PSI {entry['psi']:.2f}{ks}"
