"""Draws the steps of a run as a grid with cover types as rows and their steps as columns.

Steps that belong to no cover type are lines above or below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

_EMPTY_CELL = Text("·", style="dim")


def grid(cells: Mapping[tuple[str, ...], Text]) -> Group:
    """Return a grid of cells.

    Args:
        cells: text of each step, in the order of the run. The key is the cover type and the step, which are the row and
            the column, or one name for a line above or below the rows.
    """
    rows = list(dict.fromkeys(path[0] for path in cells if len(path) > 1))
    columns = list(dict.fromkeys(path[1:] for path in cells if len(path) > 1))
    alone = [path for path in cells if len(path) == 1]
    order = [path[0] for path in cells]
    above = sum(order.index(path[0]) < order.index(rows[0]) for path in alone) if rows else 0
    width = max((len(path[0]) for path in alone), default=0)
    lines = [Text.assemble(f"{path[0]:<{width}}  ", cells[path]) for path in alone]
    return Group(*lines[:above], *([_table(rows, columns, cells)] if rows else []), *lines[above:])


def _table(rows: list[str], columns: list[tuple[str, ...]], cells: Mapping[tuple[str, ...], Text]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("cover type")
    for column in columns:
        table.add_column(".".join(column), min_width=9)
    for row in rows:
        table.add_row(row, *(cells.get((row, *column), _EMPTY_CELL) for column in columns))
    return table
