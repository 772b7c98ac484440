"""Decides which task of a workflow starts or is omitted, and when a DAG ends, by Argo's rules.

The scheduler starts no processes. It lists the leaves that can start; the executor reports how each one ended.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from steps.core.errors import PipelineError
from workflows.local import binding
from workflows.local.nodes import Node, Phase
from workflows.rendered import graph
from workflows.rendered.expressions import evaluate_depends, task_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from workflows.rendered.document import Document


class Scheduler:
    """The tree of nodes of one run.

    Attributes:
        root: the node of the whole workflow.
        ready: leaves that can start, for the executor to remove when it starts them.

    Raises:
        BadConfigurationError: the workflow could not terminate, see ``graph.graph_problems``.
    """

    def __init__(
        self, document: Document, scope: Mapping[str, str], folder: Path, on_phase_change: Callable[[Node], None]
    ) -> None:
        graph.check_graph(document)
        self._document, self._scope, self._on_phase_change = document, scope, on_phase_change
        self.root = Node((), document.templates[document.entrypoint], folder)
        self.ready: list[Node] = []
        self._levels: dict[tuple[str, ...], dict[str, int]] = {}

    def start(self) -> None:
        """Start the root node."""
        self._start_node(self.root)

    def by_priority(self) -> list[Node]:
        """Return the ready leaves, first those with the most tasks after them, then in the order of the tasks.

        With it, little is left to do when the last leaves run, so that no core waits for a long chain on another one.
        Source: T. C. Hu, Parallel Sequencing and Assembly Line Problems, Operations Research 9 (1961): highest level
        first.
        """
        order = {leaf.path: i for i, leaf in enumerate(self.root.leaves())}
        return sorted(self.ready, key=lambda leaf: (-self._level(leaf), order[leaf.path]))

    def _level(self, node: Node) -> int:
        """Return the number of tasks on the longest path from a node to the end of the run."""
        if not node.path:
            return 0
        dag = self._parent(node)
        levels = self._levels.get(dag.path)
        if levels is None:
            levels = self._levels[dag.path] = graph.levels(dag.template.tasks)
        return levels[node.path[-1]] + self._level(dag)

    def finish_node(self, node: Node, phase: Phase) -> None:
        """Record the phase in which a node ended, and start the tasks that were waiting for it."""
        node.finished = time.time()
        self.set_phase(node, phase)
        if node.path:
            self._advance_dag(self._parent(node))

    def set_phase(self, node: Node, phase: Phase) -> None:
        """Change the phase of a node."""
        node.phase = phase
        self._on_phase_change(node)

    def _start_node(self, node: Node) -> None:
        node.started = time.time()
        if node.template.container:
            self.ready.append(node)
            return
        self.set_phase(node, Phase.RUNNING)
        for task in node.template.tasks:
            path = (*node.path, task.name)
            template = self._document.templates[task.template]
            node.children[task.name] = Node(path, template, self.root.folder / ".".join(path), task)
        self._advance_dag(node)

    def _advance_dag(self, dag: Node) -> None:
        """Start, omit or skip each task whose dependencies have ended; finish the DAG when all its tasks have ended."""
        waiting = [child for child in dag.children.values() if not child.started and not child.phase.finished]
        ended = [self._start_or_omit(child, dag) for child in waiting]
        if any(ended):  # other tasks may depend on them
            self._advance_dag(dag)
        elif all(child.phase.finished for child in dag.children.values()) and not dag.phase.finished:
            self._finish_dag(dag)

    def _start_or_omit(self, child: Node, dag: Node) -> bool:
        """Start, omit, skip or fail a task whose dependencies have ended; return whether it has ended by this."""
        if child.started or child.phase.finished:
            return False
        needed = task_names(child.depends)
        if not all(dag.children[name].phase.finished for name in needed):
            return False
        if not evaluate_depends(child.depends, {name: dag.children[name].phase.depends_result for name in needed}):
            self.set_phase(child, Phase.OMITTED)
            return True
        try:
            if not binding.evaluate_condition(child, dag, self._scope):
                self.set_phase(child, Phase.SKIPPED)
                return True
            binding.bind_inputs(child, dag, self._scope)
        except PipelineError as error:
            child.message = str(error)
            self.set_phase(child, Phase.ERROR)
            return True
        self._start_node(child)
        return False

    def _finish_dag(self, dag: Node) -> None:
        """Finish a DAG with the phase of its target tasks, which are those that no other task depends on."""
        needed = {name for child in dag.children.values() for name in task_names(child.depends)}
        phases = [self._branch_phase(child, dag) for name, child in dag.children.items() if name not in needed]
        phase = next((phase for phase in phases if phase.unsuccessful), Phase.SUCCEEDED)
        if phase is Phase.SUCCEEDED:
            try:
                binding.collect_outputs(dag)
            except PipelineError as error:
                dag.message, phase = str(error), Phase.ERROR
        self.finish_node(dag, phase)

    def _branch_phase(self, child: Node, dag: Node) -> Phase:
        """Return the phase of a target task. As in Argo, the dependencies of an omitted task count in its place."""
        if child.phase is not Phase.OMITTED:
            return child.phase
        phases = [self._branch_phase(dag.children[name], dag) for name in sorted(task_names(child.depends))]
        return next((phase for phase in phases if phase.unsuccessful), Phase.SUCCEEDED)

    def _parent(self, node: Node) -> Node:
        parent = self.root
        for name in node.path[:-1]:
            parent = parent.children[name]
        return parent
