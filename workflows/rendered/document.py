"""A rendered workflow, read into the few shapes the local executor knows; anything else is refused by its name.

Field names are those of the Workflow specification: https://argo-workflows.readthedocs.io/en/latest/fields/.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from steps.core.errors import BadConfigurationError
from workflows.contract import (
    CONTINUES_ANNOTATION,
    DESPITE_ANNOTATION,
    PUBLISHES_ANNOTATION,
    RETRY_EXPRESSION,
    SOURCE_ANNOTATION,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

# Fields that shape pods or the cluster's housekeeping and change nothing in what a step computes.
_PODS = {
    "image", "imagePullPolicy", "resources", "securityContext", "volumeMounts", "volumes", "nodeSelector",
    "tolerations", "serviceAccountName", "podGC", "ttlStrategy", "podSpecPatch", "podMetadata",
    "artifactRepositoryRef", "archiveLogs", "labels", "namespace", "generateName", "archive", "description", "enum",
    "annotations",
}  # fmt: skip


@dataclass(frozen=True)
class Value:
    """A declared parameter: its value or default, where it has one; for outputs the file or expression it is from."""

    name: str
    value: str | None = None
    path: str | None = None
    expression: str | None = None


@dataclass(frozen=True)
class Artifact:
    """A declared artifact or an argument: its path in the container, where it comes from, whether it may be absent."""

    name: str
    path: str | None = None
    source: str | None = None
    raw: str | None = None
    optional: bool = False


@dataclass(frozen=True)
class Slots:
    """The parameters and artifacts of an ``inputs``, ``outputs`` or ``arguments`` field, by name."""

    parameters: dict[str, Value] = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)


@dataclass(frozen=True)
class Container:
    """What a container runs: ``python -m MODULE`` with arguments and environment, still with Argo's variables in."""

    module: str
    arguments: tuple[str, ...]
    environment: dict[str, str]


@dataclass(frozen=True)
class Retry:
    """How often and how slowly a leaf is tried again after exit code 75 or a lost process; durations in seconds."""

    limit: int = 0
    duration: float = 0.0
    factor: float = 1.0
    cap: float = float("inf")

    def delay(self, attempt: int) -> float:
        """Return the seconds to wait before attempt number ``attempt + 1``, where the first is 0."""
        return min(self.duration * self.factor**attempt, self.cap)


@dataclass(frozen=True)
class Task:
    """A task of a DAG."""

    name: str
    template: str
    depends: str
    arguments: Slots


@dataclass(frozen=True)
class Template:
    """A container or a DAG with its inputs and outputs."""

    name: str
    inputs: Slots
    outputs: Slots
    container: Container | None = None
    tasks: tuple[Task, ...] = ()
    retry: Retry = Retry()
    deadline: float | None = None
    source_parameters: tuple[str, ...] = ()
    publishes: bool = False
    continues: tuple[str, ...] = ()
    continues_despite: tuple[str, ...] = ()


@dataclass(frozen=True)
class Document:
    """A whole workflow."""

    name: str
    entrypoint: str
    arguments: Slots
    templates: dict[str, Template]


def read(workflow: dict[str, Any]) -> Document:
    """Read ``Workflow.to_dict()`` of kind Workflow.

    Raises:
        BadConfigurationError: a field the executor does not know, or two things of one name; the message says where.
    """
    _only(workflow, {"apiVersion", "kind", "metadata", "spec"}, "workflow")
    if workflow.get("kind") != "Workflow":
        raise BadConfigurationError(f"kind {workflow.get('kind')!r} cannot be run here", fix="render a Workflow")
    _only(workflow["metadata"], {"name", *_PODS}, "metadata")
    spec = workflow["spec"]
    _only(spec, {"entrypoint", "arguments", "templates", *_PODS}, "spec")
    templates = [_template(entry) for entry in _required(spec, "templates", "spec")]
    _unique((template.name for template in templates), "spec.templates")
    return Document(
        name=workflow["metadata"].get("name") or workflow["metadata"].get("generateName", ""),
        entrypoint=_required(spec, "entrypoint", "spec"),
        arguments=_slots(spec.get("arguments", {}), "spec.arguments"),
        templates={template.name: template for template in templates},
    )


def _only(entry: dict[str, Any], known: set[str], place: str) -> None:
    for name in entry:
        if name not in known:
            raise BadConfigurationError(
                f"field {place}.{name} is not supported on this machine", fix="submit the workflow to a cluster instead"
            )


def _unique(names: Iterable[str], place: str) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise BadConfigurationError(f"name {name!r} is there {count} times", where=place, fix="rename all but one")


def _required(entry: dict[str, Any], field: str, place: str) -> Any:  # noqa: ANN401 - whatever the field holds
    if field not in entry:
        raise BadConfigurationError(f"there is no {place}.{field}", fix="write it")
    return entry[field]


def _template(entry: dict[str, Any]) -> Template:
    place = f"templates[{entry.get('name')}]"
    known = {"name", "inputs", "outputs", "container", "dag", "retryStrategy", "activeDeadlineSeconds", "metadata"}
    _only(entry, {*known, "failFast", *_PODS}, place)
    if ("container" in entry) == ("dag" in entry):
        raise BadConfigurationError(
            f"{place} must be a container or a dag", fix="submit the workflow to a cluster instead"
        )
    annotations = entry.get("metadata", {}).get("annotations", {})
    deadline = entry.get("activeDeadlineSeconds")
    return Template(
        name=_required(entry, "name", place),
        inputs=_slots(entry.get("inputs", {}), f"{place}.inputs"),
        outputs=_slots(entry.get("outputs", {}), f"{place}.outputs"),
        container=_container(entry["container"], f"{place}.container") if "container" in entry else None,
        tasks=_tasks(entry["dag"], f"{place}.dag") if "dag" in entry else (),
        retry=_retry(entry.get("retryStrategy"), f"{place}.retryStrategy"),
        deadline=None if deadline is None else float(deadline),
        source_parameters=_names(annotations, SOURCE_ANNOTATION),
        publishes=PUBLISHES_ANNOTATION in annotations,
        continues=_names(annotations, CONTINUES_ANNOTATION),
        continues_despite=_names(annotations, DESPITE_ANNOTATION),
    )


def _names(annotations: dict[str, str], annotation: str) -> tuple[str, ...]:
    """Return the names, separated by commas, that an annotation holds."""
    return tuple(filter(None, annotations.get(annotation, "").split(",")))


def _container(entry: dict[str, Any], place: str) -> Container:
    _only(entry, {"command", "args", "env", *_PODS}, place)
    command = entry.get("command", [])
    if command[:2] != ["python", "-m"] or len(command) != 3:  # noqa: PLR2004 - python -m MODULE
        raise BadConfigurationError(f"{place}.command must be python -m MODULE to be run here, not {command}")
    for variable in entry.get("env", []):
        _only(variable, {"name", "value"}, f"{place}.env")
    environment = {variable["name"]: variable.get("value", "") for variable in entry.get("env", [])}
    return Container(command[2], tuple(entry.get("args", [])), environment)


def _tasks(entry: dict[str, Any], place: str) -> tuple[Task, ...]:
    _only(entry, {"tasks", "failFast"}, place)
    if entry.get("failFast") is not False:
        raise BadConfigurationError(f"field {place}.failFast must be false to be run here")
    tasks = []
    for task in _required(entry, "tasks", place):
        where = f"{place}.tasks[{task.get('name')}]"
        _only(task, {"name", "template", "depends", "arguments"}, where)
        arguments = _slots(task.get("arguments", {}), f"{where}.arguments")
        name, template = (_required(task, part, where) for part in ("name", "template"))
        tasks.append(Task(name, template, task.get("depends") or "", arguments))
    _unique((task.name for task in tasks), f"{place}.tasks")
    return tuple(tasks)


def _slots(entry: dict[str, Any], place: str) -> Slots:
    _only(entry, {"parameters", "artifacts"}, place)
    parameters = [_parameter(item, f"{place}.parameters[{item.get('name')}]") for item in entry.get("parameters", [])]
    artifacts = [_artifact(item, f"{place}.artifacts[{item.get('name')}]") for item in entry.get("artifacts", [])]
    _unique((item.name for item in parameters), f"{place}.parameters")
    _unique((item.name for item in artifacts), f"{place}.artifacts")
    return Slots({item.name: item for item in parameters}, {item.name: item for item in artifacts})


def _parameter(entry: dict[str, Any], place: str) -> Value:
    _only(entry, {"name", "value", "default", "valueFrom", *_PODS}, place)
    source = entry.get("valueFrom", {})
    _only(source, {"path", "parameter", "default"}, f"{place}.valueFrom")
    value = entry.get("value", entry.get("default", source.get("default")))
    return Value(entry["name"], None if value is None else str(value), source.get("path"), source.get("parameter"))


def _artifact(entry: dict[str, Any], place: str) -> Artifact:
    _only(entry, {"name", "path", "from", "raw", "optional", *_PODS}, place)
    raw = entry.get("raw")
    return Artifact(
        entry["name"], entry.get("path"), entry.get("from"), raw["data"] if raw else None, bool(entry.get("optional"))
    )


def _retry(entry: dict[str, Any] | None, place: str) -> Retry:
    if entry is None:
        return Retry()
    _only(entry, {"limit", "retryPolicy", "expression", "backoff"}, place)
    if entry.get("expression") != RETRY_EXPRESSION or entry.get("retryPolicy") != "Always":
        raise BadConfigurationError(
            f"{place} is none that this machine knows", fix=f"use retryPolicy Always and {RETRY_EXPRESSION}"
        )
    backoff = entry.get("backoff", {})
    _only(backoff, {"duration", "factor", "cap"}, f"{place}.backoff")
    try:
        return Retry(
            int(_required(entry, "limit", place)),
            _seconds(backoff.get("duration", "0")),
            float(backoff.get("factor", 1)),
            _seconds(backoff.get("cap", "inf")),
        )
    except ValueError as error:
        raise BadConfigurationError(f"a number or a duration of {place} cannot be read: {error}") from None


def _seconds(duration: str) -> float:
    """Read a duration as Argo writes it: ``30``, ``30s``, ``2m``, ``1h``."""
    units = {"s": 1, "m": 60, "h": 3600}
    if duration[-1:] in units:
        return float(duration[:-1]) * units[duration[-1]]
    return float(duration)
