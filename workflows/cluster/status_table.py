"""Tables of runs on a cluster: cover types as rows, steps as columns, and problems below."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from workflows.cluster import nodes
from workflows.terminal.display import Drawing
from workflows.terminal.grid import grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from workflows.cluster.nodes import State, Step

_STYLES = {"Succeeded": "green", "Failed": "bold red", "Error": "bold red", "Running": "bold yellow"}
_MINUTE, _HOUR = 60, 3600


def state_table(state: State) -> Group:
    """Return a table of a run: its phase, a row for each cover type, a line for each other step, and notes."""
    cells = {path: _cell(step) for path, step in state.steps.items()}
    return Group(_title(state), grid(cells), *_notes(state))


def _title(state: State) -> Text:
    steps = f"  {state.progress.replace('/', ' of ')} steps" if state.progress else ""
    return Text.assemble(
        state.name, "  ", (state.phase, _STYLES.get(state.phase, "")), f"  {duration(state.seconds)}{steps}"
    )


def _notes(state: State) -> list[Text]:
    notes = [Text(f"{step.name}: {step.note}", style="red") for step in state.steps.values() if step.note]
    own = [Text(state.message, style="red")] if state.message and not notes else []
    return own + notes


def _cell(step: Step) -> Text:
    """Return a step's state in a table cell."""
    if not step.phase:
        return Text("·", style="dim")
    if step.lacks_image:
        return Text("✗ no image", style="bold red")
    style = _STYLES.get(step.phase, "dim")
    return Text(_words(step), style="yellow" if step.phase == nodes.PENDING else style)


def _words(step: Step) -> str:
    if step.phase == nodes.RUNNING:
        progress = "" if step.progress in {"", "0/1", "1/1"} else f" {step.progress}"
        return f"▶ {duration(step.seconds)}{progress}"
    if step.phase == nodes.PENDING:
        return f"↻ retry {step.attempts}" if step.attempts > 1 or step.finished else "… waiting"
    if step.phase == nodes.SUCCEEDED:
        return f"✓ {duration(step.seconds)}"
    return "–" if step.phase == nodes.OMITTED else f"✗ {step.phase.lower()}"


def runs_table(workflows: Sequence[dict[str, Any]]) -> Table:
    """Return a table of runs, in their order."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("run", "status", "steps", "started", "time", "message"):
        table.add_column(name, overflow="fold")
    for workflow in workflows:
        state = nodes.read(workflow)
        started = f"{dt.datetime.fromtimestamp(state.started):%Y-%m-%d %H:%M}" if state.started else "–"  # noqa: DTZ006 - the reader's own clock
        phase = Text(state.phase, style=_STYLES.get(state.phase, ""))
        table.add_row(state.name, phase, state.progress, started, duration(state.seconds), state.message)
    return table


def duration(seconds: float) -> str:
    """Return a duration in text, such as 7 s, 1:05 min, 2:03 h."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}:{whole % _MINUTE:02d} min"
    return f"{whole // _HOUR}:{whole % _HOUR // _MINUTE:02d} h"


class Display(Drawing):
    """Shows the state of a run: a table redrawn in place on a terminal, elsewhere a line for each step that ends."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._shown: set[tuple[str, str]] = set()

    def show(self, state: State) -> None:
        """Show a state, or the steps that have newly ended in it."""
        if self.live:
            self.live.update(state_table(state), refresh=True)
            return
        for step in state.steps.values():
            word = "NoImage" if step.lacks_image else step.phase
            if (step.lacks_image or step.phase in nodes.FINISHED) and (step.name, word) not in self._shown:
                self._shown.add((step.name, word))
                self.print_step(word, step.name, duration(step.seconds), step.note)
