"""The state of a workflow on a cluster, read from its ``.status.nodes``: one step for each leaf of the DAG.

Argo's fields: https://argo-workflows.readthedocs.io/en/latest/fields/#nodestatus.
"""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import json
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workflows.contract import COVER_TYPE, task_path

if TYPE_CHECKING:
    from collections.abc import Mapping

PENDING, RUNNING, SUCCEEDED, OMITTED = "Pending", "Running", "Succeeded", "Omitted"
# A step that had not ended when its run did; Argo leaves its node as it was, for example `Running`.
STOPPED = "Stopped"
BAD = {"Failed", "Error"}
FINISHED = {SUCCEEDED, OMITTED, "Skipped", STOPPED, *BAD}
# Why a container has no image, as the kubelet words it: reasons that it retries, and those that no retry can change.
_NO_IMAGE = re.compile(r"^(ImagePullBackOff|ErrImagePull|ImageInspectError|RegistryUnavailable)\b")
_IMPOSSIBLE_IMAGE = re.compile(r"^(InvalidImageName|ErrImageNeverPull)\b")
# What every pod goes through, which needs no note.
_USUAL = re.compile(r"^(PodInitializing|ContainerCreating|)$")
_ATTEMPT = re.compile(r"\(\d+\)$")
_POD_NAME_LENGTH = 253 - 10 - 1


@dataclass(frozen=True)
class Step:
    """A task of a workflow, with the values of its latest attempt.

    Attributes:
        path: cover type and step, or the name of a task that is not a step of one cover type.
        started, finished: Unix times in seconds, 0 for not yet.
        node, pod: id and pod of the latest attempt, empty before the first.
        artifacts: output artifacts by name, as Argo has them.
    """

    path: tuple[str, ...]
    phase: str = ""
    message: str = ""
    progress: str = ""
    started: float = 0.0
    finished: float = 0.0
    attempts: int = 0
    node: str = ""
    pod: str = ""
    template: str = ""
    exit_code: str = ""
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the task, as messages show it."""
        return "-".join(self.path)

    @property
    def bad(self) -> bool:
        """Whether it failed."""
        return self.phase in BAD

    @property
    def lacks_image(self) -> bool:
        """Whether its pod waits for an image that has not been pulled yet, after a failed pull."""
        return self.phase == PENDING and bool(_NO_IMAGE.match(self.message) or self.impossible_image)

    @property
    def impossible_image(self) -> bool:
        """Whether its pod waits for an image that no retry can pull."""
        return self.phase == PENDING and bool(_IMPOSSIBLE_IMAGE.match(self.message))

    @property
    def note(self) -> str:
        """The message of a step that has failed, was stopped or is stuck, else empty."""
        return (
            self.message
            if self.bad or self.phase == STOPPED or (self.phase == PENDING and not _USUAL.match(self.message))
            else ""
        )

    @property
    def seconds(self) -> float:
        """Seconds from its start to its end, or to now."""
        return max(0.0, (self.finished or time.time()) - self.started) if self.started else 0.0


@dataclass(frozen=True)
class State:
    """A workflow.

    Attributes:
        progress: finished steps of all, such as 30/37; empty where the steps are not known. Argo's own number adds pods
            to what single pods count, such as rounds.
        started, finished: Unix times in seconds, 0 for not yet.
        steps: steps by path, in the order of the DAG.
        rows: the cover types whose steps are tasks of their own.
        summary: output parameter of this name, empty before the end.
    """

    name: str
    phase: str
    message: str
    progress: str
    started: float
    finished: float
    steps: dict[tuple[str, ...], Step]
    rows: tuple[str, ...]
    summary: str

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.phase in FINISHED

    @property
    def seconds(self) -> float:
        """Seconds from its start to its end, or to now."""
        return max(0.0, (self.finished or time.time()) - self.started) if self.started else 0.0

    @property
    def failed(self) -> list[Step]:
        """The steps that failed."""
        return [step for step in self.steps.values() if step.bad]


def read(workflow: dict[str, Any]) -> State:
    """Return the state of a workflow."""
    status = workflow.get("status") or {}
    name = workflow["metadata"]["name"]
    nodes = _nodes(status)
    planned = _planned(workflow)
    found = {step.path: step for step in _steps(workflow, nodes, planned)}
    steps = {path: found.pop(path, Step(path)) for path in planned.values()} | found
    return State(
        name=name,
        phase=status.get("phase") or PENDING,
        message=status.get("message") or "",
        progress=_count_finished(steps) if nodes or not status.get("startedAt") else "",
        started=_seconds(status.get("startedAt")),
        finished=_seconds(status.get("finishedAt")),
        steps=steps,
        rows=tuple(dict.fromkeys(path[0] for path in steps if len(path) > 1)),
        summary=next((_output(node, "summary") for node in nodes.values() if node["name"] == name), ""),
    )


def _count_finished(steps: Mapping[tuple[str, ...], Step]) -> str:
    return f"{sum(step.phase in FINISHED for step in steps.values())}/{len(steps)}" if steps else ""


def _nodes(status: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the nodes by id; Argo compresses those of a large workflow."""
    if packed := status.get("compressedNodes"):
        unpacked: dict[str, dict[str, Any]] = json.loads(gzip.decompress(base64.b64decode(packed)))
        return unpacked
    return status.get("nodes") or {}


def age(workflow: dict[str, Any]) -> tuple[str, str]:
    """Return a key that sorts workflows by the time of their creation, oldest first."""
    metadata = workflow["metadata"]
    return metadata.get("creationTimestamp") or "", metadata["name"]


def templates_of(workflow: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the templates of a workflow by name; one made from a WorkflowTemplate has them in its status."""
    stored = (workflow.get("status") or {}).get("storedWorkflowTemplateSpec") or {}
    spec = workflow.get("spec") or {}
    return {entry["name"]: entry for entry in spec.get("templates") or stored.get("templates") or []}


def _planned(workflow: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the paths of all steps by the name of their task, started or not, in the order of the tasks."""
    stored = (workflow.get("status") or {}).get("storedWorkflowTemplateSpec") or {}
    entrypoint = workflow.get("spec", {}).get("entrypoint") or stored.get("entrypoint", "")
    tasks = (templates_of(workflow).get(entrypoint, {}).get("dag") or {}).get("tasks") or []
    return {task["name"]: task_path(task["name"], _cover_type(task)) for task in tasks}


def _cover_type(task: dict[str, Any]) -> str | None:
    """Return the cover type that a task belongs to; None if it belongs to none."""
    given = (task.get("arguments") or {}).get("parameters") or []
    return next((entry.get("value") for entry in given if entry["name"] == COVER_TYPE), None)


def _steps(
    workflow: dict[str, Any], nodes: dict[str, dict[str, Any]], planned: Mapping[str, tuple[str, ...]]
) -> list[Step]:
    """Return a step for each task that has nodes: one for the step and, with retries, one for each attempt.

    Runs of earlier versions have a DAG in the DAG for each cover type: the names of its nodes have a dot.
    """
    name = workflow["metadata"]["name"]
    grouped: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for node in nodes.values():
        if node.get("type") in {"Pod", "Retry", "Skipped"}:
            task = _ATTEMPT.sub("", node["name"]).removeprefix(f"{name}.")
            grouped.setdefault(planned.get(task) or tuple(task.split(".")), []).append(node)
    return [_step(workflow, path, group) for path, group in grouped.items()]


def _step(workflow: dict[str, Any], path: tuple[str, ...], group: list[dict[str, Any]]) -> Step:
    attempts = sorted((node for node in group if node["type"] == "Pod"), key=_attempt)
    whole = next((node for node in group if node["type"] != "Pod"), attempts[-1] if attempts else group[0])
    last = attempts[-1] if attempts else whole
    phase = whole.get("phase") or PENDING
    finished = last.get("finishedAt")
    if phase not in FINISHED:
        phase = PENDING if last.get("phase") in FINISHED else last.get("phase") or PENDING
        status = workflow.get("status") or {}
        if status.get("phase") in FINISHED:
            phase, finished = STOPPED, finished or status.get("finishedAt")
    return Step(
        path=path,
        phase=OMITTED if phase == "Skipped" else phase,
        message=last.get("message") or whole.get("message") or "",
        progress=last.get("progress") or "",
        started=_seconds(last.get("startedAt")),
        finished=_seconds(finished),
        attempts=len(attempts),
        node=last["id"],
        pod=_pod_name(workflow, last) if attempts else "",
        template=last.get("templateName") or "",
        exit_code=str((last.get("outputs") or {}).get("exitCode") or ""),
        artifacts={entry["name"]: entry for entry in (last.get("outputs") or {}).get("artifacts") or []},
    )


def _attempt(node: dict[str, Any]) -> int:
    found = _ATTEMPT.search(node["name"])
    return int(found[0][1:-1]) if found else 0


def _pod_name(workflow: dict[str, Any], node: dict[str, Any]) -> str:
    """Return the name of a node's pod, by Argo's rule (``GeneratePodName`` in its workflow/util/pod_name.go)."""
    name = workflow["metadata"]["name"]
    version = (workflow["metadata"].get("annotations") or {}).get("workflows.argoproj.io/pod-name-format")
    if version == "v1" or node["name"] == name:
        return str(node["id"])
    template = node.get("templateName") or (node.get("templateRef") or {}).get("template")
    prefix = f"{name}-{template}" if template else name
    return f"{prefix[:_POD_NAME_LENGTH]}-{node['id'].rpartition('-')[2]}"


def _output(node: dict[str, Any], name: str) -> str:
    parameters = (node.get("outputs") or {}).get("parameters") or []
    return next((str(entry.get("value") or "") for entry in parameters if entry["name"] == name), "")


def _seconds(text: str | None) -> float:
    return dt.datetime.fromisoformat(text).timestamp() if text else 0.0
