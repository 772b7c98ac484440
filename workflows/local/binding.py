"""Passes parameters and artifacts between nodes, as the references in the rendered workflow say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from steps.core import storage
from steps.core.errors import BadConfigurationError, PipelineError
from workflows.contract import CREATED
from workflows.rendered.expressions import evaluate_when, substitute_variables, variable_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from workflows.local.nodes import Node, Values
    from workflows.rendered.document import Document, Template


def workflow_scope(document: Document, name: str) -> dict[str, str]:
    """Return the values of the variables that have the same value in the whole workflow, by name."""
    scope = {"workflow.name": name, CREATED: datetime.now(UTC).isoformat(timespec="seconds")}
    for parameter in document.arguments.parameters.values():
        scope[f"workflow.parameters.{parameter.name}"] = parameter.value or ""
    return scope


def bind_inputs(child: Node, parent: Node, scope: Mapping[str, str]) -> None:
    """Set the inputs of a task from its arguments, the inputs of its DAG and the outputs of other tasks.

    Args:
        child: node of the task.
        parent: node of the DAG.
        scope: values of the workflow's variables.

    Raises:
        PipelineError: a parameter or a required artifact is missing.
    """
    arguments = child.task.arguments if child.task else None
    known = {**scope, **_parameter_scope(parent)}
    given = arguments.parameters if arguments else {}
    for name, declared in child.template.inputs.parameters.items():
        value = given[name].value if name in given else declared.value
        if value is None:
            raise PipelineError(f"parameter {name!r} was not given", where=child.name)
        child.inputs.parameters[name] = substitute_variables(value, known)
    for name, slot in child.template.inputs.artifacts.items():
        argument = arguments.artifacts.get(name) if arguments else None
        if slot.raw is not None:
            path = child.folder / "in" / name / (slot.path or name).rpartition("/")[2]
            storage.write_text(path, slot.raw)
            child.inputs.artifacts[name] = path
        elif not (argument and argument.source and _copy_artifact(child.inputs, name, argument.source, parent)):
            optional = slot.optional or (argument is not None and argument.optional)
            if not optional:
                raise PipelineError(f"artifact {name!r} was not supplied", where=child.name)


def evaluate_condition(child: Node, parent: Node, scope: Mapping[str, str]) -> bool:
    """Return the value of the ``when`` expression of a task; true where it has none.

    Args:
        child: node of the task.
        parent: node of the DAG.
        scope: values of the workflow's variables.
    """
    if child.task is None or not child.task.when:
        return True
    return evaluate_when(substitute_variables(child.task.when, {**scope, **_parameter_scope(parent)}))


def _parameter_scope(parent: Node) -> dict[str, str]:
    scope = {f"inputs.parameters.{name}": value for name, value in parent.inputs.parameters.items()}
    for task, node in parent.children.items():
        for name, value in node.outputs.parameters.items():
            scope[f"tasks.{task}.outputs.parameters.{name}"] = value
    return scope


def _copy_artifact(target: Values, name: str, source: str, parent: Node) -> bool:
    """Copy the artifact of a reference to ``target``, under ``name``; return whether it exists.

    A reference is ``{{inputs.artifacts.X}}`` or ``{{tasks.T.outputs.artifacts.X}}``.
    """
    match variable_names(source)[0].split(".") if variable_names(source) else []:
        case ["inputs", "artifacts", other]:
            return target.copy_artifact(name, parent.inputs, other)
        case ["tasks", task, "outputs", "artifacts", other]:
            return task in parent.children and target.copy_artifact(name, parent.children[task].outputs, other)
    raise BadConfigurationError(f"cannot read the reference {source!r}", where=parent.name)


def collect_outputs(dag: Node) -> None:
    """Set the outputs of a succeeded DAG from those of its tasks.

    Raises:
        PipelineError: a required output is missing.
    """
    scope = _parameter_scope(dag)
    for name, declared in dag.template.outputs.parameters.items():
        dag.outputs.parameters[name] = substitute_variables(declared.expression or "", scope)
    for name, slot in dag.template.outputs.artifacts.items():
        if not _copy_artifact(dag.outputs, name, slot.source or "", dag) and not slot.optional:
            raise PipelineError(f"output artifact {name!r} was not made", where=dag.name)


def artifact_paths(template: Template, folder: Path) -> dict[str, Path]:
    """Return the paths of the output artifacts of a leaf with this folder, by name."""
    slots = template.outputs.artifacts.values()
    return {slot.name: folder / "out" / slot.name / (slot.path or slot.name).rpartition("/")[2] for slot in slots}


def parameter_paths(template: Template, folder: Path) -> dict[str, Path]:
    """Return the paths to which a leaf with this folder writes its output parameters, by name."""
    return {name: folder / "out" / f"parameter-{name}.txt" for name in template.outputs.parameters}


def leaf_scope(node: Node, scope: Mapping[str, str]) -> dict[str, str]:
    """Return the values of the variables in the arguments of a leaf: parameters, and paths on this machine."""
    inputs = {name: str(path) for name, path in _input_paths(node)}
    outputs = artifact_paths(node.template, node.folder)
    return {
        **scope,
        **{f"inputs.parameters.{name}": value for name, value in node.inputs.parameters.items()},
        **{f"inputs.artifacts.{name}.path": path for name, path in inputs.items()},
        **{f"outputs.artifacts.{name}.path": str(path) for name, path in outputs.items()},
        **{
            f"outputs.parameters.{name}.path": str(path)
            for name, path in parameter_paths(node.template, node.folder).items()
        },
    }


def _input_paths(node: Node) -> Iterator[tuple[str, Path]]:
    """Yield the name and path of each input artifact. The path of an absent optional artifact does not exist."""
    for name in node.template.inputs.artifacts:
        yield name, node.inputs.artifacts.get(name, node.folder / "in" / "absent" / name)
