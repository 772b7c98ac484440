"""Prints the comparison of two runs or versions."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from steps.comparison.reference import ReferenceUse
from workflows.terminal.result_tables import format_megabytes, format_number

if TYPE_CHECKING:
    from rich.console import Console

_TITLES = {
    "f1": "F1",
    "pr_auc": "PR-AUC",
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "log_loss": "log loss (lower is better)",
}
# Longer values are cut, such as lists of features.
_MOST_CHARACTERS = 40
_DIGEST = re.compile("[0-9a-f]{64}")


def print_comparison(console: Console, document: dict[str, Any]) -> None:
    """Print the result of ``runs.comparison.compare_sides``."""
    for letter, key in (("A", "first"), ("B", "second")):
        side = document[key]
        console.print(f"{letter} {side['kind']} {side['name']}, {side['location']}", soft_wrap=True, markup=False)
    console.print(_metrics_table(document["metrics"]), crop=False, overflow="ignore")
    rows = document["test_rows"]
    same = "the same test rows" if rows["same"] else f"{rows['first']:,} and {rows['second']:,} test rows"
    if document["reference"]:
        same = "of the reference table"
    console.print(
        f"gain: how much better B is, with its paired 95% interval on {rows['common']:,} common rows ({same}); "
        "* the interval for all metrics at once excludes 0",
        soft_wrap=True,
        markup=False,
    )
    if document["reference"]:
        console.print(_reference_line(document["reference"]), soft_wrap=True, markup=False)
    for title, key in (("parameters", "parameters"), ("data", "data")):
        _print_differing(console, title, document[key])
    console.print(_cost_table(document["first"], document["second"]), crop=False, overflow="ignore")


def _reference_line(use: dict[str, Any]) -> str:
    """Return the line about the rows of a reference table."""
    return f"reference table: {ReferenceUse(**use).describe()}"


def _metrics_table(metrics: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("metric", "cover type"):
        table.add_column(name, no_wrap=True)
    for name in ("A", "B", "gain of B", "95%"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for each in metrics:
        certain = each["family_low"] > 0 or each["family_high"] < 0
        style = ("green" if each["gain"] > 0 else "red") if certain else ""
        table.add_row(
            _TITLES[each["metric"]],
            each["cover_type"] or "all",
            format_number(each["first"]),
            format_number(each["second"]),
            Text(_signed(each["gain"]), style=style),
            f"{_signed(each['low'])} to {_signed(each['high'])}",
            "*" if certain else "",
        )
    return table


def _signed(value: float) -> str:
    text = f"{value + 0.0:+.4f}"  # -0.0 + 0.0 is 0.0: the gain of a log loss is a negated difference
    return text.replace("0.", ".", 1) if abs(value) < 1 else text


def _print_differing(console: Console, title: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        console.print(f"{title}: no difference")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in (f"{title} that differ", "A", "B"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        slug = row.get("cover_type")
        table.add_row(f"{row['name']} of {slug}" if slug else row["name"], *map(_cut, (row["first"], row["second"])))
    console.print(table, crop=False, overflow="ignore")


def _cut(value: object) -> Text:
    text = value if isinstance(value, str) else "–" if value is None else json.dumps(value)
    if _DIGEST.fullmatch(text):
        return Text(text[:12])
    return Text(text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…")


def _cost_table(first: dict[str, Any], second: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("cost", no_wrap=True)
    for name in ("A", "B"):
        table.add_column(name, justify="right", no_wrap=True)
    rows = (
        ("run, s", "seconds", lambda value: f"{value:.1f}"),
        ("work of all steps, s", "work_seconds", lambda value: f"{value:.1f}"),
        ("models", "size_bytes", format_megabytes),
    )
    for title, key, text in rows:
        cells = ["–" if side[key] is None else text(side[key]) for side in (first, second)]
        table.add_row(title, *cells)
    return table
