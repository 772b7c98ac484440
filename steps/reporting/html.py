"""Pieces of an HTML page: sections, tables, heat maps and numbers, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steps.schema import DATA

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_DARK_CELL = 0.72
_MEBIBYTE, _GIBIBYTE = 1 << 20, 1 << 30


def style() -> str:
    """Return the style sheet."""
    return (DATA / "report.css").read_text(encoding="utf-8")


def section(title: str, lead: str, body: str) -> str:
    """Return a section: a heading, what it shows, and the thing itself."""
    return f"<section><h2>{title}</h2><p>{lead}</p>{body}</section>"


def figure(caption: str, plot: str) -> str:
    """Return a figure with its caption."""
    return f"<figure><figcaption>{caption}</figcaption>{plot}</figure>"


def scroll(body: str, label: str) -> str:
    """Let what is wider than the page scroll by itself, with the keyboard too."""
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{label}">{body}</div>'


def table(kind: str, label: str, columns: Sequence[str], bodies: str) -> str:
    """Return a table whose first column names the rows; ``kind`` is its class in the style."""
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    table = f'<table class="{kind}" style="--n:{len(columns) - 1}"><thead><tr>{head}</tr></thead>{bodies}</table>'
    return scroll(table, label)


def heat_map(label: str, columns: Sequence[str], rows: Iterable[tuple[str, list[tuple[str, str, float]]]]) -> str:
    """Return a table of (text, text below, shade from 0 to 1) cells."""
    body = []
    for name, cells in rows:
        tds = (
            f'<td class="{"deep" if shade > _DARK_CELL else ""}" style="--a:{shade:.2f}">{text}<small>{below}</small>'
            for text, below, shade in cells
        )
        body.append(f'<tr><th scope="row">{name}</th>{"</td>".join(tds)}</td></tr>')
    return table("heat", label, columns, f"<tbody>{''.join(body)}</tbody>")


def number(value: float | None) -> str:
    """Return a metric with four decimals, a dash where there is none."""
    return "&ndash;" if value is None else f"{value:.4f}"


def interval(ends: Sequence[float] | None, before: str = "") -> str:
    """Return the ends of an interval, nothing where there is none."""
    return "" if ends is None else f"{before}{ends[0]:.4f}&ndash;{ends[1]:.4f}"


def percent(count: int, total: int) -> str:
    """Return a share with one decimal, nothing for none."""
    return "" if not count else f"{count / total:.1%}" if count >= total / 1000 else "&lt;0.1%"


def size(count: int) -> str:
    """Return a size in MiB or GiB, a dash for none."""
    if not count:
        return "&ndash;"
    return f"{count / _GIBIBYTE:.2f} GiB" if count >= _GIBIBYTE else f"{count / _MEBIBYTE:.1f} MiB"
