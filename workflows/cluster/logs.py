"""Logs of the steps of a run on a cluster, and why a step failed."""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steps.core import runtime
from steps.core.errors import NoInputError, PipelineError, TransientError, UnavailableError, UsageError
from workflows.cluster import nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from workflows.cluster.client import Client
    from workflows.cluster.nodes import State, Step

_ERROR = "error: "
_KILLED = "OOMKilled"
# Lines of Argo's own process, the parent of the step's.
_ARGO_LINE = re.compile(r"^(time=\S+ level=\S+ .*\bargo=true\b|Error: exit status \d+$)")
# Name of the artifact that holds a log where archiveLogs is set.
_ARCHIVED = "main-logs"


def select_steps(state: State, step: str | None, cover_type: str | None) -> list[Step]:
    """Return the steps of a run that have a pod.

    Args:
        state: state of the run.
        step: name of a step, alone or with the cover type (``aspen-train``); None for all.
        cover_type: slug of a cover type; None for all.

    Raises:
        UsageError: the run has no such step or cover type.
    """
    if step and all(step not in (path[-1], found.name) for path, found in state.steps.items()):
        names = ", ".join(dict.fromkeys(path[-1] for path in state.steps))
        raise UsageError(f"the run has no step {step!r}", where="--step", fix=f"use one of {names}")
    firsts = list(dict.fromkeys(path[0] for path in state.steps))
    if cover_type and cover_type not in firsts:
        names = ", ".join(state.rows or firsts)  # a chain in one pod is a step of its cover type's name
        raise UsageError(f"the run has no cover type {cover_type!r}", where="--cover-type", fix=f"use one of {names}")
    return [
        found
        for path, found in state.steps.items()
        if found.pod and (not step or step in (path[-1], found.name)) and (not cover_type or path[0] == cover_type)
    ]


def read_log(client: Client, workflow: dict[str, Any], step: Step) -> list[str]:
    """Return the lines of a step's log: its pod's, or the archived ones where the pod is deleted."""
    lines = read_pod_log(client, workflow["metadata"]["name"], step)
    if lines or _ARCHIVED not in step.artifacts:
        return lines
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "log.txt"
        client.download(workflow, step, _ARCHIVED, copy)
        return _step_lines(copy.read_text(encoding="utf-8", errors="replace").splitlines())


def _step_lines(lines: Iterable[str]) -> list[str]:
    """Return the lines that the step itself wrote."""
    return [line for line in lines if not _ARGO_LINE.match(line)]


def read_pod_log(client: Client, name: str, step: Step, *, tail: int | None = None) -> list[str]:
    """Return the lines of the log of a step's pod; none where the pod is deleted or has not started.

    Args:
        client: client of the cluster.
        name: name of the run.
        step: the step, which has a pod.
        tail: number of lines to return from the end, all by default.
    """
    try:
        return _step_lines(line.partition(" ")[2] for line in client.log(name, step, tail=tail))
    except NoInputError:
        return []
    except PipelineError as error:
        if "waiting to start" in error.what:
            return []
        raise


class Tail:
    """Reads the new lines in the logs of a run, one short request for each running step.

    Polling survives lost connections, which open streams do not.
    """

    def __init__(self, client: Client, name: str) -> None:
        self._client, self._name = client, name
        self._last: dict[str, tuple[str, float]] = {}
        self._ended: set[str] = set()

    def read_new(self, steps: list[Step]) -> Iterator[tuple[Step, str]]:
        """Yield each new line with its step."""
        for step in steps:
            if step.node in self._ended or step.phase == nodes.PENDING:
                continue
            seen, when = self._last.get(step.node, ("", 0.0))
            now = time.monotonic()
            seconds = int(now - when) + 5 if when else None
            try:
                lines = self._client.log(self._name, step, seconds=seconds)
            except NoInputError:
                lines = []
            except (UnavailableError, TransientError):
                continue
            for line in lines:
                stamp, _, text = line.partition(" ")
                if stamp > seen and not _ARGO_LINE.match(text):
                    yield step, text
            self._last[step.node] = (max([seen, *(line.partition(" ")[0] for line in lines)]), now)
            if step.phase in nodes.FINISHED:
                self._ended.add(step.node)


def memory_advice(workflow: dict[str, Any], step: Step) -> str:
    """Return which setting to raise where a step was killed because it was out of memory; otherwise an empty text."""
    if _KILLED not in step.message:
        return ""
    template = nodes.templates_of(workflow).get(step.template) or {}
    container = template.get("container") or {}
    limit = ((container.get("resources") or {}).get("limits") or {}).get("memory") or "not set"
    module = (container.get("command") or [step.path[-1]])[-1]  # several steps may share a pod
    setting = f"steps.{module.rpartition('.')[2]}.memory_limit"
    return f"out of memory, its limit is {limit}: raise {setting} in the config file ({step.message})"


def failure_reason(client: Client, workflow: dict[str, Any], name: str, step: Step) -> str:
    """Return why a step failed: the last error line of its log, or Argo's message where there is none."""
    if advice := memory_advice(workflow, step):
        return advice
    try:
        lines = read_pod_log(client, name, step, tail=50) if step.pod else []
    except PipelineError:
        lines = []
    own = [line.removeprefix(_ERROR) for line in lines if line.startswith(_ERROR)]
    if own and own[-1] == runtime.TERMINATION and step.message:  # Argo knows the cause: a deadline, a lost node
        return step.message
    return own[-1] if own else step.message or step.phase
