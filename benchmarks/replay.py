"""Compute the time of a run with an executor without overhead, and split the rest of its time into parts.

The lower bound is a list schedule: the scheduler of the executor replays the workflow of the run with a clock instead
of processes. Every step takes the ``wall_seconds`` of its ``usage.json``, which the process of the step measures after
its imports. A ready step starts, in the order of the tasks, while the threads of the running steps do not exceed the
cores. Nothing else takes any time. Work of the executor during a step may slow the step down, and counts as part of it.

    cost = (wall - replayed) / wall

The wall time goes from the start of the command's process to its end. ``wall - replayed`` is the sum of four parts:
until the workflow was rendered (interpreter, imports, rendering), until the first step started (fork server), from the
start of the first step to the end of the last (without the replayed time), and after that (publishing, table, exit).
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
        """The share of the executor in the wall time."""
        return (self.wall - self.replayed) / self.wall


def cost_of(run: Path, began: float, ended: float, cores: int) -> Cost:
    """Return the cost of a finished run from its folder and the times at which its process began and ended."""
    usage = {path.parents[2].name: storage.read_json(path) for path in run.glob("nodes/*/out/usage/usage")}
    rendered = run / results.WORKFLOW
    first = min(entry["started"] for entry in usage.values())
    last = max(entry["finished"] for entry in usage.values())
    workflow = read_workflow(yaml.safe_load(rendered.read_text()))
    replayed = makespan(workflow, {name: entry["wall_seconds"] for name, entry in usage.items()}, cores)
    written = rendered.stat().st_mtime
    return Cost(ended - began, replayed, written - began, first - written, last - first - replayed, ended - last)


def makespan(workflow: Document, seconds: Mapping[str, float], cores: int) -> float:
    """Return the end of the last step of a workflow, if steps take the given seconds and everything else takes none."""
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
    """Remove and return the ready steps that the executor would start now."""
    order = {leaf.path: i for i, leaf in enumerate(scheduler.root.leaves())}
    busy, chosen = sum(node.threads for node in running), []
    for node in sorted(scheduler.ready, key=lambda node: order[node.path]):
        if not busy or busy + node.threads <= cores:
            busy += node.threads
            scheduler.ready.remove(node)
            chosen.append(node)
    return chosen


def _pretend(node: Node) -> None:
    """Set the declared outputs of a step, so that later steps can be bound. Their files are never read."""
    node.outputs.artifacts = binding.artifact_paths(node.template, node.folder)
    node.outputs.parameters = dict.fromkeys(node.template.outputs.parameters, "")
