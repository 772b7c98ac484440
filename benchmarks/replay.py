"""How long a run would have taken if its executor cost nothing, and where the rest of its time went.

The lower bound is a list schedule: the run's own workflow is replayed by the executor's scheduler with a clock instead
of processes. Every step takes the ``wall_seconds`` of its ``usage.json``, which are measured inside the step's process
after its imports; a ready step is admitted, in the order of the workflow's tasks, while the threads of the admitted
ones stay within the cores; and nothing else takes any time. What the executor does while a step runs beside it slows
that step, and counts as the step's.

    cost = (wall - replayed) / wall

The wall runs from the start of the command's process to its end. ``wall - replayed`` falls into four parts that add up:
until the workflow was rendered (interpreter, imports, rendering), until the first step began (fork server), between the
first step's beginning and the last one's end (beyond the replayed time), and after that (publishing, table, exit).
"""

from __future__ import annotations

import heapq
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from steps.core import storage
from workflows.local import binding
from workflows.local.nodes import Phase
from workflows.local.scheduler import Scheduler
from workflows.rendered.reader import read_workflow
from workflows.runs import results

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workflows.local.nodes import Node
    from workflows.rendered.document import Document


@dataclass(frozen=True)
class Cost:
    """Seconds of one run."""

    wall: float
    replayed: float
    until_rendered: float
    until_first_step: float
    between: float
    after: float

    @property
    def share(self) -> float:
        """The executor's part of the wall time."""
        return (self.wall - self.replayed) / self.wall


def cost_of(run: Path, began: float, ended: float, cores: int) -> Cost:
    """Return the cost of a finished run from its folder and the times at which its process began and ended."""
    usage = {path.parents[2].name: storage.read_json(path) for path in run.glob("nodes/*/out/usage/usage.json")}
    rendered = run / results.WORKFLOW
    first = min(entry["started"] for entry in usage.values())
    last = max(entry["finished"] for entry in usage.values())
    workflow = read_workflow(yaml.safe_load(rendered.read_text()))
    replayed = makespan(workflow, {name: entry["wall_seconds"] for name, entry in usage.items()}, cores)
    written = rendered.stat().st_mtime
    return Cost(ended - began, replayed, written - began, first - written, last - first - replayed, ended - last)


def makespan(workflow: Document, seconds: Mapping[str, float], cores: int) -> float:
    """Return when the last step of a workflow ends if each takes the given seconds and all else takes none."""
    with tempfile.TemporaryDirectory() as folder:
        scheduler = Scheduler(workflow, binding.workflow_scope(workflow, ""), Path(folder), lambda _: None)
        scheduler.start()
        clock = 0.0
        running: list[tuple[float, tuple[str, ...], Node]] = []
        while not scheduler.root.phase.finished:
            for node in _admitted(scheduler, [entry[2] for entry in running], cores):
                heapq.heappush(running, (clock + seconds[node.name], node.path, node))
            clock, _, node = heapq.heappop(running)
            _pretend(node)
            scheduler.finish_node(node, Phase.SUCCEEDED)
    return clock


def _admitted(scheduler: Scheduler, running: list[Node], cores: int) -> list[Node]:
    """Take the ready steps that the executor would start now off the scheduler's list."""
    order = {leaf.path: i for i, leaf in enumerate(scheduler.root.leaves())}
    busy, chosen = sum(node.threads for node in running), []
    for node in sorted(scheduler.ready, key=lambda node: order[node.path]):
        if not busy or busy + node.threads <= cores:
            busy += node.threads
            scheduler.ready.remove(node)
            chosen.append(node)
    return chosen


def _pretend(node: Node) -> None:
    """Give a step the outputs it declares, so that those after it can be bound; nobody opens them."""
    node.outputs.artifacts = binding.artifact_paths(node.template, node.folder)
    node.outputs.parameters = dict.fromkeys(node.template.outputs.parameters, "")
