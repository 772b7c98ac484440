from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from workflows.local.upkeep import StepSummary
from workflows.terminal import result_tables
from workflows.terminal.result_tables import print_result


def drawn(renderable: Any) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


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
    text = console.file.getvalue()
    assert "…" not in text
    assert all(f"{number:.4f}".removeprefix("0") in text for number in numbers.values())
    assert (".8854–.9211" in text) == (width >= 100)


def test_a_run_without_a_result_has_dashes() -> None:
    metrics: dict[str, Any] = {"accuracy": None, "macro_f1": None, "cover_types": {}}
    entries = [{"run": "covertype-1", "status": "Unfinished", "seconds": None, **metrics}]
    assert drawn(result_tables.runs_table(entries)).splitlines()[1].split() == [
        "covertype-1", "Unfinished", "–", "–", "–", "0",
    ]  # fmt: skip


def test_the_cache_is_listed_by_the_name_of_the_step() -> None:
    table = drawn(result_tables.cache_table([StepSummary("steps.train", 7, 1_500_000, 0)]))
    assert table.splitlines()[1].split()[:4] == ["train", "7", "1.5", "MB"]


@pytest.mark.parametrize(("size", "text"), [(0, "0.0 MB"), (49_999, "0.0 MB"), (1_250_000_000, "1250.0 MB")])
def test_sizes_are_in_megabytes(size: int, text: str) -> None:
    assert result_tables.format_megabytes(size) == text
