"""Prints the links of a version's chain, and the models that were trained again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steps.provenance.links import Link
    from steps.provenance.reproduction import Comparison

_STYLES = {"ok": "green", "broken": "bold red", "not checkable": "yellow"}


def chain_table(chain: Sequence[Link]) -> Table:
    """Return a table with a row for each link."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("link", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("detail", overflow="fold")
    for link in chain:
        # As text: a detail may contain brackets, which Rich would read as markup.
        table.add_row(link.name, Text(link.state.value, _STYLES[link.state.value]), Text(link.detail))
    return table


def reproduction_table(models: Sequence[Comparison]) -> Table:
    """Return a table that says for each model what is equal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("model", "booster", "preprocessor", "threshold"):
        table.add_column(column, no_wrap=True)
    for each in models:
        parts = (each.booster, each.preprocessor, each.threshold)
        table.add_row(each.slug, *(Text("equal", "green") if part else Text("differs", "bold red") for part in parts))
    return table
