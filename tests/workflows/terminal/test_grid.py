"""The grid of cover types and steps."""

from __future__ import annotations

import io

from rich.console import Console
from rich.text import Text

from workflows.terminal.grid import grid


def lines(*paths: str) -> list[str]:
    text = io.StringIO()
    console = Console(width=80, file=text)
    console.print(grid({tuple(path.split(".")): Text(path[-1]) for path in paths}))
    return [line.rstrip() for line in text.getvalue().splitlines()]


def test_steps_of_cover_types_are_cells_and_others_lines_above_and_below() -> None:
    assert lines("prepare", "aspen.split", "aspen.train", "fir.split", "report", "register") == [
        "prepare   e",
        "cover type  split      train",
        "aspen       t          n",
        "fir         t          ·",
        "report    t",
        "register  r",
    ]


def test_a_chain_in_one_pod_is_a_line() -> None:
    assert lines("prepare", "ponderosa-pine", "report") == [
        "prepare         e",
        "ponderosa-pine  e",
        "report          t",
    ]


def test_nothing_is_nothing() -> None:
    assert lines() == []
