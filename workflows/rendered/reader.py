"""Reads a rendered workflow into the dataclasses of :mod:`workflows.rendered.document`.

A field that is not supported is an error, because ignoring it could change what the workflow computes.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from steps.core.errors import BadConfigurationError
from workflows.contract import (
    CONTINUES_ANNOTATION,
    DESPITE_ANNOTATION,
    PUBLISHES_ANNOTATION,
    RETRY_EXPRESSION,
    SOURCE_ANNOTATION,
    THREADS_ANNOTATION,
)
from workflows.rendered.document import Artifact, Container, Document, Parameter, Retry, Slots, Task, Template

if TYPE_CHECKING:
    from collections.abc import Iterable

# Fields about pods and the housekeeping of a cluster. They do not change the result of a step.
_POD_FIELDS = {
    "image", "imagePullPolicy", "resources", "securityContext", "volumeMounts", "volumes", "nodeSelector",
    "tolerations", "serviceAccountName", "podGC", "ttlStrategy", "podSpecPatch", "podMetadata",
    "artifactRepositoryRef", "archiveLogs", "labels", "namespace", "generateName", "archive", "description", "enum",
    "annotations", "workflowMetadata",
}  # fmt: skip


def read_workflow(workflow: dict[str, Any]) -> Document:
    """Read a rendered workflow of kind Workflow, as ``Workflow.to_dict()`` returns it.

    Raises:
        BadConfigurationError: a field is not supported, a required one is missing, or a name is used twice.
    """
    _refuse_unknown_fields(workflow, {"apiVersion", "kind", "metadata", "spec"}, "workflow")
    if workflow.get("kind") != "Workflow":
        raise BadConfigurationError(f"kind {workflow.get('kind')!r} cannot be run locally", fix="render a Workflow")
    _refuse_unknown_fields(workflow["metadata"], {"name", *_POD_FIELDS}, "metadata")
    spec = workflow["spec"]
    _refuse_unknown_fields(
        spec, {"entrypoint", "arguments", "templates", "activeDeadlineSeconds", *_POD_FIELDS}, "spec"
    )
    templates = [_read_template(entry) for entry in _required_field(spec, "templates", "spec")]
    _refuse_duplicates((template.name for template in templates), "spec.templates")
    return Document(
        name=workflow["metadata"].get("name") or workflow["metadata"].get("generateName", ""),
        entrypoint=_required_field(spec, "entrypoint", "spec"),
        arguments=_read_slots(spec.get("arguments", {}), "spec.arguments"),
        templates={template.name: template for template in templates},
    )


def _refuse_unknown_fields(entry: dict[str, Any], known: set[str], where: str) -> None:
    for name in entry:
        if name not in known:
            raise BadConfigurationError(
                f"field {where}.{name} is not supported on this machine", fix="submit the workflow to a cluster instead"
            )


def _refuse_duplicates(names: Iterable[str], where: str) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise BadConfigurationError(f"name {name!r} is used {count} times", where=where, fix="rename all but one")


def _required_field(entry: dict[str, Any], field: str, where: str) -> Any:  # noqa: ANN401 - whatever the field holds
    if field not in entry:
        raise BadConfigurationError(f"field {where}.{field} is missing", fix="add it")
    return entry[field]


def _read_template(entry: dict[str, Any]) -> Template:
    where = f"templates[{entry.get('name')}]"
    known = {"name", "inputs", "outputs", "container", "dag", "retryStrategy", "activeDeadlineSeconds", "metadata"}
    _refuse_unknown_fields(entry, {*known, "failFast", *_POD_FIELDS}, where)
    if ("container" in entry) == ("dag" in entry):
        raise BadConfigurationError(
            f"{where} must be a container or a dag", fix="submit the workflow to a cluster instead"
        )
    annotations = entry.get("metadata", {}).get("annotations", {})
    deadline = entry.get("activeDeadlineSeconds")
    return Template(
        name=_required_field(entry, "name", where),
        inputs=_read_slots(entry.get("inputs", {}), f"{where}.inputs"),
        outputs=_read_slots(entry.get("outputs", {}), f"{where}.outputs"),
        container=_read_container(entry["container"], f"{where}.container") if "container" in entry else None,
        tasks=_read_tasks(entry["dag"], f"{where}.dag") if "dag" in entry else (),
        retry=_read_retry(entry.get("retryStrategy"), f"{where}.retryStrategy"),
        deadline=None if deadline is None else float(deadline),
        source_parameters=_annotated_names(annotations, SOURCE_ANNOTATION),
        threads_parameters=_annotated_names(annotations, THREADS_ANNOTATION),
        publishes=PUBLISHES_ANNOTATION in annotations,
        continues=_annotated_names(annotations, CONTINUES_ANNOTATION),
        continues_despite=_annotated_names(annotations, DESPITE_ANNOTATION),
    )


def _annotated_names(annotations: dict[str, str], annotation: str) -> tuple[str, ...]:
    """Return the names in an annotation that holds names separated by commas."""
    return tuple(filter(None, annotations.get(annotation, "").split(",")))


def _read_container(entry: dict[str, Any], where: str) -> Container:
    _refuse_unknown_fields(entry, {"command", "args", "env", "envFrom", *_POD_FIELDS}, where)
    command = entry.get("command", [])
    if command[:2] != ["python", "-m"] or len(command) != 3:  # noqa: PLR2004 - python -m MODULE
        raise BadConfigurationError(f"{where}.command must be python -m MODULE to be run locally, not {command}")
    for variable in entry.get("env", []):
        _refuse_unknown_fields(variable, {"name", "value"}, f"{where}.env")
    environment = {variable["name"]: variable.get("value", "") for variable in entry.get("env", [])}
    return Container(command[2], tuple(entry.get("args", [])), environment)


def _read_tasks(entry: dict[str, Any], where: str) -> tuple[Task, ...]:
    _refuse_unknown_fields(entry, {"tasks", "failFast"}, where)
    if entry.get("failFast") is not False:
        raise BadConfigurationError(f"field {where}.failFast must be false to be run locally")
    tasks = []
    for task in _required_field(entry, "tasks", where):
        task_where = f"{where}.tasks[{task.get('name')}]"
        _refuse_unknown_fields(task, {"name", "template", "depends", "arguments", "when"}, task_where)
        arguments = _read_slots(task.get("arguments", {}), f"{task_where}.arguments")
        name, template = (_required_field(task, part, task_where) for part in ("name", "template"))
        tasks.append(Task(name, template, task.get("depends") or "", arguments, task.get("when") or ""))
    _refuse_duplicates((task.name for task in tasks), f"{where}.tasks")
    return tuple(tasks)


def _read_slots(entry: dict[str, Any], where: str) -> Slots:
    _refuse_unknown_fields(entry, {"parameters", "artifacts"}, where)
    parameters = [
        _read_parameter(item, f"{where}.parameters[{item.get('name')}]") for item in entry.get("parameters", [])
    ]
    artifacts = [_read_artifact(item, f"{where}.artifacts[{item.get('name')}]") for item in entry.get("artifacts", [])]
    _refuse_duplicates((item.name for item in parameters), f"{where}.parameters")
    _refuse_duplicates((item.name for item in artifacts), f"{where}.artifacts")
    return Slots({item.name: item for item in parameters}, {item.name: item for item in artifacts})


def _read_parameter(entry: dict[str, Any], where: str) -> Parameter:
    _refuse_unknown_fields(entry, {"name", "value", "default", "valueFrom", *_POD_FIELDS}, where)
    source = entry.get("valueFrom", {})
    _refuse_unknown_fields(source, {"path", "parameter", "default"}, f"{where}.valueFrom")
    value = entry.get("value", entry.get("default", source.get("default")))
    return Parameter(entry["name"], None if value is None else str(value), source.get("path"), source.get("parameter"))


def _read_artifact(entry: dict[str, Any], where: str) -> Artifact:
    _refuse_unknown_fields(entry, {"name", "path", "from", "raw", "optional", *_POD_FIELDS}, where)
    raw = entry.get("raw")
    return Artifact(
        entry["name"], entry.get("path"), entry.get("from"), raw["data"] if raw else None, bool(entry.get("optional"))
    )


def _read_retry(entry: dict[str, Any] | None, where: str) -> Retry:
    if entry is None:
        return Retry()
    _refuse_unknown_fields(entry, {"limit", "retryPolicy", "expression", "backoff"}, where)
    if entry.get("expression") != RETRY_EXPRESSION or entry.get("retryPolicy") != "Always":
        raise BadConfigurationError(
            f"{where} is not supported on this machine", fix=f"use retryPolicy Always and {RETRY_EXPRESSION}"
        )
    backoff = entry.get("backoff", {})
    _refuse_unknown_fields(backoff, {"duration", "factor", "cap"}, f"{where}.backoff")
    try:
        return Retry(
            int(_required_field(entry, "limit", where)),
            _read_seconds(backoff.get("duration", "0")),
            float(backoff.get("factor", 1)),
            _read_seconds(backoff.get("cap", "inf")),
        )
    except ValueError as error:
        raise BadConfigurationError(f"a number or a duration of {where} cannot be read: {error}") from None


def _read_seconds(duration: str) -> float:
    """Return the seconds of a duration in Argo's notation: ``30``, ``30s``, ``2m``, ``1h``."""
    units = {"s": 1, "m": 60, "h": 3600}
    if duration[-1:] in units:
        return float(duration[:-1]) * units[duration[-1]]
    return float(duration)
