"""Runs that have ended, as trees of nodes, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workflows.contract import COVER_TYPE
from workflows.local.nodes import Node, Phase
from workflows.rendered.document import Container, Parameter, Slots, Task, Template

if TYPE_CHECKING:
    from collections.abc import Mapping


def finished_run(codes: Mapping[str, int | None]) -> Node:
    """Return a finished run whose leaves ended with these exit codes; ``aspen-train`` is of the cover type aspen."""
    dag, step = Template("main", Slots(), Slots()), Template("step", Slots(), Slots(), Container("m", (), {}))
    root = Node((), dag, Path(), phase=Phase.FAILED if any(code != 0 for code in codes.values()) else Phase.SUCCEEDED)
    for name, code in codes.items():
        phase = Phase.FAILED if code != 0 else Phase.SUCCEEDED
        slug = name.rpartition("-")[0]
        task = Task(name, "step", "", Slots({COVER_TYPE: Parameter(COVER_TYPE, slug)} if slug else {}))
        root.children[name] = Node((name,), step, Path(), task, exit_code=code, phase=phase)
    return root
