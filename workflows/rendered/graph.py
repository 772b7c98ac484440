"""Checks that a workflow can terminate, and says what follows each task.

A workflow can terminate if all tasks and templates that it names exist and there is no cycle.
Argo allows a template that contains itself, for recursion under a condition. The local executor has no conditions.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from steps.core.errors import BadConfigurationError, PipelineError
from workflows.rendered.expressions import evaluate_depends, task_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from workflows.rendered.document import Document, Task, Template


def check_graph(document: Document) -> None:
    """Raise BadConfigurationError with the first problem of :func:`graph_problems`, if there is one."""
    for problem in graph_problems(document):
        raise BadConfigurationError(problem, where=f"workflow {document.name!r}", fix="correct the workflow")


def graph_problems(document: Document) -> Iterator[str]:
    """Yield each problem that keeps a workflow from being run, in one line."""
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
    needed: dict[str, set[str]] = {}
    for task in dag.tasks:
        where = f"template {dag.name!r}, task {task.name!r}"
        if task.template not in document.templates:
            yield f"{where}: there is no template {task.template!r}"
        try:
            needed[task.name] = task_names(task.depends)
            evaluate_depends(task.depends, dict.fromkeys(needed[task.name], "Succeeded"))
        except PipelineError as error:
            yield f"{where}: {error}"
            continue
        yield from (f"{where}: depends on {name!r}, which is no task" for name in sorted(needed[task.name] - names))
    if cycle := _cycle(needed):
        yield f"template {dag.name!r}: tasks wait for each other: {' -> '.join(cycle)}"


def levels(tasks: Sequence[Task]) -> dict[str, int]:
    """Return for each task of a DAG the number of tasks on the longest path from it to the end, itself included."""
    needed = {task.name: task_names(task.depends) for task in tasks}
    found = dict.fromkeys(needed, 1)
    for name in reversed(list(TopologicalSorter(needed).static_order())):
        for earlier in needed[name]:
            found[earlier] = max(found[earlier], found[name] + 1)
    return found


def _cycle(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the nodes of a cycle, with the first one repeated at the end; an empty list where there is no cycle."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return [str(name) for name in reversed(error.args[1])]
    return []
