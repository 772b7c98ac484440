"""What a person sees of a run: a live table of cover types by steps, and at the end a table of metrics."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from workflows.local.nodes import Node, Phase
from workflows.terminal.grid import grid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from workflows.local.upkeep import StepSummary

_STYLES = {
    Phase.PENDING: "dim",
    Phase.RUNNING: "bold yellow",
    Phase.SUCCEEDED: "green",
    Phase.FAILED: "bold red",
    Phase.ERROR: "bold red",
    Phase.OMITTED: "dim",
}
# Characters that the table of metrics takes with its intervals.
_WIDE = 100
# Bytes at the end of a log in which its last line is looked for.
_TAIL = 4096


def make_console(*, stderr: bool = False) -> Console:
    """Return a console that colours nothing by itself and, where no terminal says its width, leaves lines whole."""
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = 120
    return console


class Drawing:
    """Something redrawn in place on a terminal (``live``), or told in lines elsewhere, where ``live`` is None."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.live = Live(console=console, auto_refresh=False) if console.is_terminal else None

    def __enter__(self) -> Self:
        """Start drawing."""
        if self.live:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing; what was drawn last stays."""
        if self.live:
            self.live.stop()

    def tell(self, word: str, step: str, took: str, facts: str) -> None:
        """Print the line of a step that has ended."""
        self.console.print(f"{word:<9} {step} ({took}) {facts}".rstrip(), markup=False, soft_wrap=True)


class LiveDisplay(Drawing):
    """Shows a run while it goes on: redrawn in place on a terminal, one line for each finished step elsewhere."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._root: Node | None = None
        self._drawn = 0.0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw the last state."""
        if self.live and self._root:
            self.live.update(progress_table(self._root), refresh=True)
        super().__exit__(kind, error, trace)

    def phase_changed(self, node: Node) -> None:
        """Print a finished step's line where nothing is redrawn."""
        if self.live or not node.template.container or not node.phase.finished:
            return
        state = "cached" if node.cached else f"{node.seconds:.1f} s"
        values = node.outputs.parameters
        facts = node.message or values.get("summary") or values.get("outcome") or ""
        self.tell(node.phase.value, node.name, state, facts)

    def tick(self, root: Node) -> None:
        """Redraw, at most five times a second."""
        self._root = root
        if self.live and time.monotonic() - self._drawn > 0.2:  # noqa: PLR2004 - five times a second
            self.live.update(progress_table(root), refresh=True)
            self._drawn = time.monotonic()


def progress_table(root: Node) -> Group:
    """Return the state of a run: a row for each cover type with its steps as columns, the other steps on lines.

    Below is what each running step that reports its progress said last: of a search, the best trial so far.
    """
    cells: dict[tuple[str, ...], Text] = {}
    for name, child in root.children.items():
        if child.template.container:
            cells[name,] = _cell(child)
        else:
            cells |= {(name, task.name): _cell(child.children.get(task.name)) for task in child.template.tasks}
    said = [(leaf.name, _last_line(leaf)) for leaf in root.leaves() if leaf.phase is Phase.RUNNING and leaf.progress]
    lines = [Text(f"{name}: {line}", style="dim", no_wrap=True, overflow="ellipsis") for name, line in said if line]
    return Group(grid(cells), *lines)


def _last_line(node: Node) -> str:
    """Return the last whole line of a step's log, empty for none."""
    try:
        with node.log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            lines = file.read().decode(errors="replace").splitlines(keepends=True)
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.endswith("\n")), "")


def _cell(node: Node | None) -> Text:
    """Return a step's state in a few characters."""
    if node is None or (node.phase is Phase.PENDING and not node.attempts):
        return Text("·", style="dim")
    if node.phase is Phase.RUNNING:
        share = node.progress or f"{time.time() - node.started:.0f} s"
        return Text(f"▶ {share}", style=_STYLES[node.phase])
    if node.phase is Phase.PENDING:
        return Text(f"↻ retry {node.attempts}", style="yellow")
    if node.phase is Phase.SUCCEEDED:
        return Text("✓ cached" if node.cached else f"✓ {node.seconds:.1f} s", style="cyan" if node.cached else "green")
    if node.phase is Phase.OMITTED:
        return Text("–", style="dim")
    return Text(f"✗ {node.phase.value.lower()}", style=_STYLES[node.phase])


def show_metrics(console: Console, result: dict[str, Any]) -> None:
    """Print the metrics of a run by cover type, with the 95% intervals of accuracy and F1 where there is room."""
    columns: tuple[tuple[str, Callable[[dict[str, Any]], str]], ...] = (
        ("support", lambda entry: f"{entry['support']}"),
        ("accuracy", lambda entry: _number(entry["accuracy"])),
        ("95%", lambda entry: _interval(entry["accuracy_interval"])),
        ("F1", lambda entry: _number(entry["f1"])),
        ("95%", lambda entry: _interval(entry["f1_interval"])),
        ("precision", lambda entry: _number(entry["precision"])),
        ("recall", lambda entry: _number(entry["recall"])),
        ("PR-AUC", lambda entry: _number(entry["pr_auc"])),
    )
    shown = [(name, text) for name, text in columns if console.width >= _WIDE or name != "95%"]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("cover type", no_wrap=True)
    for name, _ in shown:
        table.add_column(name, justify="right", no_wrap=True, style="dim" if name == "95%" else "")
    for slug, entry in result["cover_types"].items():
        table.add_row(slug, *(text(entry) for _, text in shown))
    console.print(table, crop=False, overflow="ignore")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}".removeprefix("0")


def _interval(ends: list[float] | None) -> str:
    return "–".join(_number(end) for end in ends or [])


def show_result(console: Console, result: dict[str, Any]) -> None:
    """Print a finished run: the table, what all cover types come to together, and where things are."""
    if result["cover_types"]:
        show_metrics(console, result)
    for title, key in (("accuracy over all cover types", "accuracy"), ("macro F1", "macro_f1")):
        if result[key] is not None:
            ends = result.get(f"{key}_interval")
            console.print(f"{title} {_number(result[key])}" + (f" (95% {_interval(ends)})" if ends else ""))
    for note in result.get("notes", []):
        console.print(f"note: {note}", markup=False, soft_wrap=True)
    steps = f"{result['executed_steps']} steps executed, {result['cached_steps']} from the cache"
    console.print(f"{result['status']} in {result['seconds']:.1f} s: {steps}")
    for title, key in (("report", "report"), ("models", "models"), ("run", "directory")):
        if result.get(key):
            console.print(f"{title:<7} {result[key]}", soft_wrap=True)


def runs_table(found: list[dict[str, Any]]) -> Table:
    """Return a line for each run: name, status, time, and how good its models are."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("run", "status"):
        table.add_column(name)
    for name in ("seconds", "accuracy", "macro F1", "cover types"):
        table.add_column(name, justify="right")
    for entry in found:
        seconds = "–" if entry["seconds"] is None else f"{entry['seconds']:.1f}"
        numbers = (_number(entry["accuracy"]), _number(entry["macro_f1"]), f"{len(entry['cover_types'])}")
        table.add_row(entry["run"], entry["status"], seconds, *numbers)
    return table


def cache_table(found: Sequence[StepSummary]) -> Table:
    """Return a line for each step with results in the cache."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("step")
    for name in ("results", "size", "last used"):
        table.add_column(name, justify="right")
    for entry in found:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        table.add_row(entry.step.rpartition(".")[2], str(entry.results), megabytes(entry.bytes), used)
    return table


def megabytes(size: int) -> str:
    """Return a number of bytes as people read it."""
    return f"{size / 1e6:.1f} MB"
