"""Which task of a document may begin, which is left out, and what a finished one means for its parent: Argo's rules.

Knows nothing of processes: leaves that may begin are put on a list, and whoever runs them says how they ended.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from steps.core.errors import PipelineError
from workflows.local import binding
from workflows.local.nodes import Node, Phase
from workflows.rendered import graph
from workflows.rendered.expressions import holds, tasks_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from workflows.rendered.document import Document


class Scheduler:
    """Keeps the tree of nodes of one run; ``changed`` is called with every node whose phase changes.

    BadConfigurationError where the document would never end, see ``graph.problems``.
    """

    def __init__(
        self, document: Document, scope: Mapping[str, str], folder: Path, changed: Callable[[Node], None]
    ) -> None:
        graph.check(document)
        self._document, self._scope, self._changed = document, scope, changed
        self.root = Node((), document.templates[document.entrypoint], folder)
        self.ready: list[Node] = []

    def begin(self) -> None:
        """Begin the root."""
        self._begin(self.root)

    def finish(self, node: Node, phase: Phase) -> None:
        """Say how a node ended; begins what had waited for it."""
        node.finished = time.time()
        self.enter(node, phase)
        if node.path:
            self._advance(self._parent(node))

    def enter(self, node: Node, phase: Phase) -> None:
        """Change a node's phase."""
        node.phase = phase
        self._changed(node)

    def _begin(self, node: Node) -> None:
        node.started = time.time()
        if node.template.container:
            self.ready.append(node)
            return
        self.enter(node, Phase.RUNNING)
        for task in node.template.tasks:
            path = (*node.path, task.name)
            template = self._document.templates[task.template]
            node.children[task.name] = Node(path, template, self.root.folder / ".".join(path), task)
        self._advance(node)

    def _advance(self, dag: Node) -> None:
        """Begin or omit every waiting task of a DAG whose dependencies have ended, then end the DAG if all have."""
        waiting = [child for child in dag.children.values() if not child.started and not child.phase.finished]
        freed = [self._consider(child, dag) for child in waiting]
        if any(freed):
            self._advance(dag)
        elif all(child.phase.finished for child in dag.children.values()) and not dag.phase.finished:
            self._end(dag)

    def _consider(self, child: Node, dag: Node) -> bool:
        """Begin, omit or fail a task if that can be decided now; return whether one that ended may free others."""
        if child.started or child.phase.finished:
            return False
        needed = tasks_in(child.depends)
        if not all(dag.children[name].phase.finished for name in needed):
            return False
        if not holds(child.depends, {name: dag.children[name].phase.result for name in needed}):
            self.enter(child, Phase.OMITTED)
            return True
        try:
            binding.bind(child, dag, self._scope)
        except PipelineError as error:
            child.message = str(error)
            self.enter(child, Phase.ERROR)
            return True
        self._begin(child)
        return False

    def _end(self, dag: Node) -> None:
        """Give a DAG the phase of its target tasks, an omitted one standing for what it depends on, as Argo does."""
        needed = {name for child in dag.children.values() for name in tasks_in(child.depends)}
        phases = [self._branch_phase(child, dag) for name, child in dag.children.items() if name not in needed]
        phase = next((phase for phase in phases if phase.bad), Phase.SUCCEEDED)
        if phase is Phase.SUCCEEDED:
            try:
                binding.collect(dag)
            except PipelineError as error:
                dag.message, phase = str(error), Phase.ERROR
        self.finish(dag, phase)

    def _branch_phase(self, child: Node, dag: Node) -> Phase:
        if child.phase is not Phase.OMITTED:
            return child.phase
        phases = [self._branch_phase(dag.children[name], dag) for name in sorted(tasks_in(child.depends))]
        return next((phase for phase in phases if phase.bad), Phase.SUCCEEDED)

    def _parent(self, node: Node) -> Node:
        parent = self.root
        for name in node.path[:-1]:
            parent = parent.children[name]
        return parent
