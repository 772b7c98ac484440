"""Shows the progress of a run: a table that is redrawn in place on a terminal, otherwise a line per finished step."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from workflows.local.nodes import Node, Phase
from workflows.terminal.grid import grid

if TYPE_CHECKING:
    from types import TracebackType

# Output parameters of steps that a line about a finished step shows.
_FACTS = ("summary", "outcome", "fit")
_STYLES = {
    Phase.PENDING: "dim",
    Phase.RUNNING: "bold yellow",
    Phase.SUCCEEDED: "green",
    Phase.FAILED: "bold red",
    Phase.ERROR: "bold red",
    Phase.OMITTED: "dim",
    Phase.SKIPPED: "dim",
}
# Bytes at the end of a log that are searched for its last line.
_TAIL_BYTES = 4096
_REDRAW_SECONDS = 0.2
# Width of the output where no terminal has one, in characters.
_DEFAULT_WIDTH = 120


def make_console(*, stderr: bool = False) -> Console:
    """Return a console without automatic highlighting. Outside a terminal its lines are 120 characters wide."""
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = _DEFAULT_WIDTH
    return console


class Drawing:
    """A display that is redrawn in place on a terminal. Elsewhere ``live`` is None, and it prints lines."""

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
        """Stop drawing and keep the last state on the screen."""
        if self.live:
            self.live.stop()

    def print_step(self, phase: str, step: str, duration: str, facts: str) -> None:
        """Print a line about a step that has ended."""
        self.console.print(f"{phase:<9} {step} ({duration}) {facts}".rstrip(), markup=False, soft_wrap=True)


class LiveDisplay(Drawing):
    """Shows a run on this machine; an observer of the executor."""

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
        """Print a line about a finished step, unless the display is redrawn in place."""
        if self.live or not node.template.container or not node.phase.finished:
            return
        ran = f"{node.seconds:.1f} s" if node.started else "not run"
        duration = "cached" if node.cached else ran
        values = node.outputs.parameters
        facts = node.message or next((values[name] for name in _FACTS if values.get(name)), "")
        self.print_step(node.phase.value, node.name, duration, facts)

    def tick(self, root: Node) -> None:
        """Redraw, at most five times a second."""
        self._root = root
        if self.live and time.monotonic() - self._drawn > _REDRAW_SECONDS:
            self.live.update(progress_table(root), refresh=True)
            self._drawn = time.monotonic()


def progress_table(root: Node) -> Group:
    """Return the state of a run: a row per cover type with its steps as columns, and a line for each other step.

    Below it is the last line in the log of each running step that reports progress. For a search it is the best trial.
    """
    cells = {child.cell: _cell(child) for child in root.children.values()}
    last_lines = [
        (leaf.name, _last_line(leaf)) for leaf in root.leaves() if leaf.phase is Phase.RUNNING and leaf.progress
    ]
    lines = [
        Text(f"{name}: {line}", style="dim", no_wrap=True, overflow="ellipsis") for name, line in last_lines if line
    ]
    return Group(grid(cells), *lines)


def _last_line(node: Node) -> str:
    """Return the last complete line in the log of a step, empty if there is none."""
    try:
        with node.log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines(keepends=True)
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.endswith("\n")), "")


def _cell(node: Node) -> Text:
    """Return the state of a step in a few characters."""
    if node.phase is Phase.PENDING and not node.attempts:
        return Text("·", style="dim")
    if node.phase is Phase.RUNNING:
        progress = node.progress or f"{time.time() - node.started:.0f} s"
        return Text(f"▶ {progress}", style=_STYLES[node.phase])
    if node.phase is Phase.PENDING:
        return Text(f"↻ retry {node.attempts}", style="yellow")
    if node.phase is Phase.SUCCEEDED:
        return Text("✓ cached" if node.cached else f"✓ {node.seconds:.1f} s", style="cyan" if node.cached else "green")
    if node.phase in {Phase.OMITTED, Phase.SKIPPED}:
        return Text("–", style="dim")
    return Text(f"✗ {node.phase.value.lower()}", style=_STYLES[node.phase])
