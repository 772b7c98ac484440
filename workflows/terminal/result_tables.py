"""Prints the results of runs and the content of the cache as tables."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from workflows.local.upkeep import StepSummary

# Width in characters that the table of metrics needs with its intervals.
_INTERVALS_WIDTH = 100


def print_metrics(console: Console, result: dict[str, Any]) -> None:
    """Print the metrics of a run by cover type. On a wide terminal accuracy and F1 have 95% intervals.

    Args:
        console: where to print.
        result: content of ``result.json`` or of ``report.json``.
    """
    columns: tuple[tuple[str, Callable[[dict[str, Any]], str]], ...] = (
        ("support", lambda entry: f"{entry['support']}"),
        ("accuracy", lambda entry: format_number(entry["accuracy"])),
        ("95%", lambda entry: _format_interval(entry["accuracy_interval"])),
        ("F1", lambda entry: format_number(entry["f1"])),
        ("95%", lambda entry: _format_interval(entry["f1_interval"])),
        ("precision", lambda entry: format_number(entry["precision"])),
        ("recall", lambda entry: format_number(entry["recall"])),
        ("PR-AUC", lambda entry: format_number(entry["pr_auc"])),
    )
    shown = [(name, text) for name, text in columns if console.width >= _INTERVALS_WIDTH or name != "95%"]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("cover type", no_wrap=True)
    for name, _ in shown:
        table.add_column(name, justify="right", no_wrap=True, style="dim" if name == "95%" else "")
    for slug, entry in result["cover_types"].items():
        table.add_row(slug, *(text(entry) for _, text in shown))
    console.print(table, crop=False, overflow="ignore")


def format_number(value: float | None) -> str:
    """Return a metric with four decimals and without the zero before them; a dash for None."""
    return "–" if value is None else f"{value:.4f}".removeprefix("0")


def _format_interval(ends: list[float] | None) -> str:
    return "–".join(format_number(end) for end in ends or [])


def print_result(console: Console, result: dict[str, Any]) -> None:
    """Print a finished run: metrics by cover type and in total, notes, status, and paths of its files."""
    if result["cover_types"]:
        print_metrics(console, result)
    for title, key in (("accuracy over all cover types", "accuracy"), ("macro F1", "macro_f1")):
        if result[key] is not None:
            ends = result.get(f"{key}_interval")
            console.print(
                f"{title} {format_number(result[key])}" + (f" (95% {_format_interval(ends)})" if ends else "")
            )
    for note in result.get("notes", []):
        console.print(f"note: {note}", markup=False, soft_wrap=True)
    steps = f"{result['executed_steps']} steps executed, {result['cached_steps']} from the cache"
    console.print(f"{result['status']} in {result['seconds']:.1f} s: {steps}")
    for title, key in (("report", "report"), ("models", "models"), ("run", "directory")):
        if result.get(key):
            console.print(f"{title:<7} {result[key]}", soft_wrap=True)


def runs_table(run_results: list[dict[str, Any]]) -> Table:
    """Return a table with a row for each run: name, status, duration and metrics."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("run", "status"):
        table.add_column(name)
    for name in ("seconds", "accuracy", "macro F1", "cover types"):
        table.add_column(name, justify="right")
    for entry in run_results:
        seconds = "–" if entry["seconds"] is None else f"{entry['seconds']:.1f}"
        numbers = (format_number(entry["accuracy"]), format_number(entry["macro_f1"]), f"{len(entry['cover_types'])}")
        table.add_row(entry["run"], entry["status"], seconds, *numbers)
    return table


def cache_table(summaries: Sequence[StepSummary]) -> Table:
    """Return a table with a row for each step that has results in the cache."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("step")
    for name in ("results", "size", "last used"):
        table.add_column(name, justify="right")
    for entry in summaries:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        table.add_row(entry.step.rpartition(".")[2], str(entry.results), format_megabytes(entry.bytes), used)
    return table


def format_megabytes(size: int) -> str:
    """Return a number of bytes in megabytes, with the unit."""
    return f"{size / 1e6:.1f} MB"
