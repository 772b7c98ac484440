"""The display of a run in progress."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from tests.workflows.documents import dag, leaf, task, workflow
from workflows.local.nodes import Node, Phase
from workflows.rendered.reader import read_workflow
from workflows.terminal.display import progress_table

if TYPE_CHECKING:
    from pathlib import Path


def shown(folder: Path, log: bytes | None, progress: str = "3/40") -> str:
    """Return the drawing of a run in which a search has written this log."""
    read = read_workflow(workflow([dag("main", task("aspen-tune", "tune", cover_type="aspen")), leaf("tune")]))
    main = read.templates["main"]
    tune = Node(("aspen-tune",), read.templates["tune"], folder, main.tasks[0], phase=Phase.RUNNING, progress=progress)
    if log is not None:
        tune.log.write_bytes(log)
    console = Console(file=io.StringIO(), width=60)
    console.print(progress_table(Node((), main, folder, children={"aspen-tune": tune})))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_last_line_of_a_search_is_below_the_table(tmp_path: Path) -> None:
    drawn = shown(tmp_path, b"trial 2 of 40\n" + b"x" * 5000 + b"\ntrial 3 of 40: best .97 (trial 2)\ntrial 4 is bei")
    assert [line.split() for line in drawn.splitlines()[:2]] == [["cover", "type", "tune"], ["aspen", "▶", "3/40"]]
    assert drawn.splitlines()[-1] == "aspen-tune: trial 3 of 40: best .97 (trial 2)"


def test_a_long_line_is_cut_at_the_edge(tmp_path: Path) -> None:
    last = shown(tmp_path, b"trial 3 of 40, " + b"best " * 20 + b"\n").splitlines()[-1]
    assert len(last) <= 60
    assert last.endswith("…")


@pytest.mark.parametrize(("log", "progress"), [(None, "3/40"), (b"", "3/40"), (b"half", "3/40"), (b"whole\n", "")])
def test_a_step_without_progress_has_no_line(tmp_path: Path, log: bytes | None, progress: str) -> None:
    assert "aspen-tune" not in shown(tmp_path, log, progress)
