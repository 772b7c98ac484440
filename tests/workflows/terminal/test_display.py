"""What a person sees of a run on a terminal while it goes on."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from tests.workflows.documents import dag, leaf, task, workflow
from workflows.local.nodes import Node, Phase
from workflows.rendered.reader import read_workflow
from workflows.terminal.display import progress_table
from workflows.terminal.result_tables import print_result

if TYPE_CHECKING:
    from pathlib import Path


def shown(folder: Path, log: bytes | None, progress: str = "3/40") -> str:
    """Return what is drawn of a run in which a search has written this log."""
    read = read_workflow(workflow([dag("main", task("aspen", "chain")), dag("chain", task("tune")), leaf("tune")]))
    tune = Node(("aspen", "tune"), read.templates["tune"], folder, phase=Phase.RUNNING, progress=progress)
    chain = Node(("aspen",), read.templates["chain"], folder, children={"tune": tune})
    if log is not None:
        tune.log.write_bytes(log)
    console = Console(file=io.StringIO(), width=60)
    console.print(progress_table(Node((), read.templates["main"], folder, children={"aspen": chain})))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_what_a_search_said_last_is_below_the_table(tmp_path: Path) -> None:
    drawn = shown(tmp_path, b"trial 2 of 40\n" + b"x" * 5000 + b"\ntrial 3 of 40: best .97 (trial 2)\ntrial 4 is bei")
    assert "▶ 3/40" in drawn
    assert drawn.splitlines()[-1] == "aspen.tune: trial 3 of 40: best .97 (trial 2)"


def test_a_long_line_is_cut_at_the_edge(tmp_path: Path) -> None:
    last = shown(tmp_path, b"trial 3 of 40, " + b"best " * 20 + b"\n").splitlines()[-1]
    assert len(last) <= 60
    assert last.endswith("…")


@pytest.mark.parametrize(("log", "progress"), [(None, "3/40"), (b"", "3/40"), (b"half", "3/40"), (b"whole\n", "")])
def test_a_step_that_says_nothing_has_no_line(tmp_path: Path, log: bytes | None, progress: str) -> None:
    assert "aspen.tune" not in shown(tmp_path, log, progress)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_table_of_metrics_is_whole_on_any_usual_terminal(width: int) -> None:
    numbers = {"accuracy": 0.9991, "f1": 0.8765, "precision": 0.8642, "recall": 0.8531, "pr_auc": 0.9753}
    intervals = {"accuracy_interval": [0.9988, 0.9992], "f1_interval": [0.8854, 0.9211]}
    entry = {"support": 56593, **numbers, **intervals}
    result = {
        "cover_types": {"cottonwood-willow": entry},
        "accuracy": None,
        "macro_f1": None,
        "notes": ["90 of 100 rows [x] were dropped"],
        "executed_steps": 0,
        "cached_steps": 0,
        "status": "Succeeded",
        "seconds": 1,
    }
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    print_result(console, result)
    assert isinstance(console.file, io.StringIO)
    drawn = console.file.getvalue()
    assert "…" not in drawn
    assert all(f"{number:.4f}".removeprefix("0") in drawn for number in numbers.values())
    assert (".8854–.9211" in drawn) == (width >= 100)
