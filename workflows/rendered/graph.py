"""Whether a workflow can come to its end: what its tasks and templates refer to is there, and nothing waits for itself.

Argo allows a template that contains itself, for recursion under a condition. There are no conditions here.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from steps.core.errors import BadConfigurationError, PipelineError
from workflows.rendered.expressions import holds, tasks_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from workflows.rendered.document import Document, Template


def check(document: Document) -> None:
    """Raise BadConfigurationError with the first of the problems, if there is one."""
    for problem in problems(document):
        raise BadConfigurationError(problem, where=f"workflow {document.name!r}", fix="correct the workflow")


def problems(document: Document) -> Iterator[str]:
    """Yield what keeps a workflow from being run, one line each."""
    if document.entrypoint not in document.templates:
        yield f"entrypoint {document.entrypoint!r} is no template"
    for template in document.templates.values():
        yield from _dag_problems(template, document)
    used = {name: {task.template for task in dag.tasks} for name, dag in document.templates.items()}
    if cycle := _cycle(used):
        yield f"templates contain themselves: {' -> '.join(cycle)}"


def _dag_problems(dag: Template, document: Document) -> Iterator[str]:
    if dag.container is None and not dag.tasks:
        yield f"template {dag.name!r}: there is no task"
    names = {task.name for task in dag.tasks}
    waits: dict[str, set[str]] = {}
    for task in dag.tasks:
        place = f"template {dag.name!r}, task {task.name!r}"
        if task.template not in document.templates:
            yield f"{place}: there is no template {task.template!r}"
        try:
            waits[task.name] = tasks_in(task.depends)
            holds(task.depends, dict.fromkeys(waits[task.name], "Succeeded"))
        except PipelineError as error:
            yield f"{place}: {error}"
            continue
        yield from (f"{place}: depends on {name!r}, which is no task" for name in sorted(waits[task.name] - names))
    if cycle := _cycle(waits):
        yield f"template {dag.name!r}: tasks wait for each other: {' -> '.join(cycle)}"


def _cycle(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the nodes of a cycle, the first one again at the end; nothing where there is none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return [str(name) for name in reversed(error.args[1])]
    return []
