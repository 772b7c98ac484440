"""Checks that every reference of a rendered workflow resolves and that every input of a template is given.

``argo lint`` finds neither a wrong name in ``{{outputs.artifacts.NAME.path}}`` nor an optional artifact that is passed
to a required input. On a cluster both fail only during the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows.contract import CREATED
from workflows.rendered import graph
from workflows.rendered.expressions import task_names, variable_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workflows.rendered.document import Document, Task, Template


def reference_problems(document: Document) -> list[str]:
    """Return the problems of a workflow, one line each; an empty list where there is none."""
    if found := list(graph.graph_problems(document)):
        return found
    for template in document.templates.values():
        found += _leaf_problems(template, document) if template.container else _dag_problems(template, document)
    used = {task.template for template in document.templates.values() for task in template.tasks}
    unused = sorted(set(document.templates) - used - {document.entrypoint})
    return [*found, *(f"template {name!r} is not used" for name in unused)]


def _workflow_variable_names(document: Document) -> set[str]:
    return {"workflow.name", CREATED, *(f"workflow.parameters.{name}" for name in document.arguments.parameters)}


def _leaf_problems(template: Template, document: Document) -> Iterator[str]:
    known = {
        *_workflow_variable_names(document),
        *(f"inputs.parameters.{name}" for name in template.inputs.parameters),
        *(f"inputs.artifacts.{name}.path" for name in template.inputs.artifacts),
        *(f"outputs.artifacts.{name}.path" for name in template.outputs.artifacts),
        *(f"outputs.parameters.{name}.path" for name in template.outputs.parameters),
    }
    container = template.container
    texts = [*container.arguments, *container.environment.values()] if container else []
    for text in texts:
        for name in variable_names(text):
            if name not in known:
                yield f"template {template.name!r}: {{{{{name}}}}} does not resolve"
    mentioned = {name for text in texts for name in variable_names(text)}
    for kind, slots in (("inputs", template.inputs), ("outputs", template.outputs)):
        for name in slots.artifacts:
            if f"{kind}.artifacts.{name}.path" not in mentioned:
                yield f"template {template.name!r}: {kind} artifact {name!r} is in no argument"


def _dag_problems(dag: Template, document: Document) -> Iterator[str]:
    tasks = {task.name: task for task in dag.tasks}
    for task in dag.tasks:
        where = f"template {dag.name!r}, task {task.name!r}"
        target = document.templates[task.template]
        yield from (f"{where}: {problem}" for problem in _argument_problems(task, target))
        for text in (task.when, *(argument.value or "" for argument in task.arguments.parameters.values())):
            for name in variable_names(text):
                if name not in _workflow_variable_names(document) and not _parameter_exists(name, dag, tasks, document):
                    yield f"{where}: {{{{{name}}}}} does not resolve"
        passed = (each for each in task.arguments.artifacts.values() if each.name in target.inputs.artifacts)
        for artifact in passed:
            optional = artifact.optional or target.inputs.artifacts[artifact.name].optional
            reference = variable_names(artifact.source or "")
            yield from (
                f"{where}: artifact {artifact.name!r}: {problem}"
                for problem in _artifact_problems(reference, dag, tasks, document, may_be_absent=optional, task=task)
            )
    yield from _dag_output_problems(dag, tasks, document)


def _argument_problems(task: Task, target: Template) -> Iterator[str]:
    """Compare the arguments of a task with the inputs of its template."""
    given, taken = task.arguments, target.inputs
    for name in given.parameters.keys() - taken.parameters.keys():
        yield f"template {target.name!r} takes no parameter {name!r}"
    for name in given.artifacts.keys() - taken.artifacts.keys():
        yield f"template {target.name!r} takes no artifact {name!r}"
    for name, slot in taken.parameters.items():
        if slot.value is None and name not in given.parameters:
            yield f"parameter {name!r} is not given"
    for name, artifact in taken.artifacts.items():
        if artifact.raw is None and not artifact.optional and name not in given.artifacts:
            yield f"artifact {name!r} is not given"


def _parameter_exists(name: str, dag: Template, tasks: dict[str, Task], document: Document) -> bool:
    parts = name.split(".")
    if parts[:2] == ["inputs", "parameters"] and len(parts) == 3:  # noqa: PLR2004 - inputs.parameters.NAME
        return parts[2] in dag.inputs.parameters
    if _is_output(parts, "parameters", tasks):
        return parts[4] in document.templates[tasks[parts[1]].template].outputs.parameters
    return False


def _is_output(parts: list[str], kind: str, tasks: dict[str, Task]) -> bool:
    """Return whether a reference is ``tasks.TASK.outputs.KIND.NAME`` with an existing task."""
    known = parts[:1] == ["tasks"] and parts[2:4] == ["outputs", kind] and parts[1] in tasks
    return known and len(parts) == 5  # noqa: PLR2004


def _artifact_problems(  # noqa: PLR0913 - all that a reference may name
    reference: list[str],
    dag: Template,
    tasks: dict[str, Task],
    document: Document,
    *,
    may_be_absent: bool,
    task: Task | None = None,
) -> Iterator[str]:
    """Yield the problems of a reference to an artifact.

    ``task`` is the task that receives the artifact, None for an output of the DAG itself.
    """
    parts = reference[0].split(".") if len(reference) == 1 else []
    if parts[:2] == ["inputs", "artifacts"] and len(parts) == 3:  # noqa: PLR2004 - inputs.artifacts.NAME
        if parts[2] not in dag.inputs.artifacts:
            yield f"{{{{{reference[0]}}}}} does not resolve"
        return
    if not _is_output(parts, "artifacts", tasks):
        yield f"{'.'.join(reference) or 'its source'!r} does not resolve"
        return
    target = document.templates[tasks[parts[1]].template]
    if parts[4] not in target.outputs.artifacts:
        yield f"{{{{{reference[0]}}}}} does not resolve"
    elif (target.outputs.artifacts[parts[4]].optional or tasks[parts[1]].when) and not may_be_absent:
        yield f"{{{{{reference[0]}}}}} may be absent, and this is not optional"
    if task is not None and parts[1] not in _ancestors(task, tasks):
        yield f"it is from {parts[1]!r}, which this task does not depend on"


def _ancestors(task: Task, tasks: dict[str, Task]) -> set[str]:
    """Return the names of all tasks that a task depends on, directly or not."""
    found: set[str] = set()
    todo = list(task_names(task.depends))
    while todo:
        name = todo.pop()
        if name not in found and name in tasks:
            found.add(name)
            todo += task_names(tasks[name].depends)
    return found


def _dag_output_problems(dag: Template, tasks: dict[str, Task], document: Document) -> Iterator[str]:
    where = f"template {dag.name!r}, output"
    for parameter in dag.outputs.parameters.values():
        for name in variable_names(parameter.expression or ""):
            if not _parameter_exists(name, dag, tasks, document):
                yield f"{where} {parameter.name!r}: {{{{{name}}}}} does not resolve"
    for artifact in dag.outputs.artifacts.values():
        reference = variable_names(artifact.source or "")
        found = _artifact_problems(reference, dag, tasks, document, may_be_absent=artifact.optional)
        yield from (f"{where} {artifact.name!r}: {problem}" for problem in found)
