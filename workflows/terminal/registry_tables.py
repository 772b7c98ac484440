"""Prints the versions of a registry as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steps.registry.versions import VersionFacts

_NOTHING = "–"


def versions_table(found: Sequence[VersionFacts]) -> Table:
    """Return a table with a row for each version: name, time, metrics, aliases, and the latest decision."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("version", overflow="fold")
    table.add_column("registered", no_wrap=True)
    for name in ("accuracy", "macro F1"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("aliases")
    table.add_column("decision", overflow="fold")
    for each in found:
        time = each.at.replace("T", " ").removesuffix("Z")[:16] or _NOTHING
        state = f"cannot be used: {each.problem}" if each.problem else describe_decision(each.decision)
        cells = (each.version, time, _number(each.accuracy), _number(each.macro_f1), ", ".join(each.aliases), state)
        table.add_row(*map(Text, cells))
    return table


def describe_decision(decision: dict[str, Any] | None) -> str:
    """Return a decision in a few words."""
    if decision is None:
        return _NOTHING
    if decision["action"] == "rollback":
        return str(decision["reason"])
    outcome = "promoted" if decision["promotes"] else "not promoted"
    forced = f", forced ({decision['forced']})" if decision.get("forced") else ""
    against = f" than {decision['champion']}" if decision["verdict"] in {"better", "worse", "not worse"} else ""
    return f"{decision['verdict']}{against}, {outcome}{forced}"


def _number(value: object) -> str:
    return f"{value:.4f}".removeprefix("0") if isinstance(value, float) else _NOTHING
