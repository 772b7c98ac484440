"""What a person sees of a run on a cluster: cover types as rows, steps as columns, and what went wrong below."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from workflows.cluster import nodes
from workflows.terminal.grid import grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflows.cluster.nodes import State, Step

_STYLES = {"Succeeded": "green", "Failed": "bold red", "Error": "bold red", "Running": "bold yellow"}
_MINUTE, _HOUR = 60, 3600


def state_table(state: State) -> Group:
    """Return the state of a run: its own line, a row for each cover type, the other steps on lines, and notes."""
    cells = {path: _cell(step) for path, step in state.steps.items()}
    return Group(_title(state), grid(cells), *_notes(state))


def _title(state: State) -> Text:
    done = sum(step.phase in nodes.FINISHED for step in state.steps.values())
    steps = f"  {done} of {len(state.steps)} steps" if state.steps else ""
    return Text.assemble(
        state.name, "  ", (state.phase, _STYLES.get(state.phase, "")), f"  {duration(state.seconds)}{steps}"
    )


def _notes(state: State) -> list[Text]:
    notes = [Text(f"{step.name}: {step.note}", style="red") for step in state.steps.values() if step.note]
    own = [Text(state.message, style="red")] if state.message and not notes else []
    return own + notes


def _cell(step: Step) -> Text:
    """Return a step's state in a few characters."""
    if not step.phase:
        return Text("·", style="dim")
    if step.no_image:
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
    """Return a line for each run on the cluster, newest last."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("run", "status", "progress", "started", "time", "message"):
        table.add_column(name, overflow="fold")
    for workflow in sorted(workflows, key=lambda entry: entry["metadata"].get("creationTimestamp") or ""):
        state = nodes.read(workflow)
        started = f"{dt.datetime.fromtimestamp(state.started):%Y-%m-%d %H:%M}" if state.started else "–"  # noqa: DTZ006 - the reader's own clock
        phase = Text(state.phase, style=_STYLES.get(state.phase, ""))
        table.add_row(state.name, phase, state.progress, started, duration(state.seconds), state.message)
    return table


def duration(seconds: float) -> str:
    """Return a time as people read it: 7 s, 1:05 min, 2:03 h."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}:{whole % _MINUTE:02d} min"
    return f"{whole // _HOUR}:{whole % _HOUR // _MINUTE:02d} h"
