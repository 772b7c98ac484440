"""The state of a run: a tree with a node for each task, who observes it, and what a step leaves for it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from steps.core.errors import SIGNAL_CODES
from workflows.contract import COVER_TYPE, task_path

if TYPE_CHECKING:
    from workflows.rendered.document import Container, Task, Template


class Phase(enum.StrEnum):
    """Argo's phases of a node that the local executor uses."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ERROR = "Error"
    OMITTED = "Omitted"
    SKIPPED = "Skipped"

    @property
    def finished(self) -> bool:
        """Whether a node in this phase has ended."""
        return self not in {Phase.PENDING, Phase.RUNNING}

    @property
    def unsuccessful(self) -> bool:
        """Whether a node in this phase has failed, by itself or by an error of the executor."""
        return self in {Phase.FAILED, Phase.ERROR}

    @property
    def depends_result(self) -> str:
        """The name of this phase in a ``depends`` expression."""
        return "Errored" if self is Phase.ERROR else self.value


@dataclass
class Values:
    """Inputs or outputs of a node.

    Attributes:
        parameters: values by name.
        artifacts: paths of files or folders by name.
        digests: content digests of artifacts by name, as far as they are known.
    """

    parameters: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, Path] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def copy_artifact(self, name: str, other: Values, other_name: str) -> bool:
        """Copy the path and digest of an artifact of ``other``; return whether it exists."""
        if other_name not in other.artifacts:
            return False
        self.artifacts[name] = other.artifacts[other_name]
        if other_name in other.digests:
            self.digests[name] = other.digests[other_name]
        return True


@dataclass
class Node:
    """A task in a run. A node of a DAG has children; a node of a container is a leaf.

    Attributes:
        path: names of the tasks from the root to this node.
        template: template that it instantiates.
        folder: folder for its files.
        task: task in its DAG, None for the root.
        inputs: parameters and artifacts that it received.
        outputs: parameters and artifacts that it produced.
        phase: its phase.
        children: nodes of a DAG, by task name.
        message: why it failed, in one line.
        exit_code: exit code of the last attempt of a leaf.
        attempts: number of attempts of a leaf.
        cached: whether the outputs of a leaf are from the cache.
        key: cache key of a leaf.
        progress: progress of a leaf as ``done/total``.
        started: Unix time of the start, 0 before it.
        finished: Unix time of the end, 0 before it.
    """

    path: tuple[str, ...]
    template: Template
    folder: Path
    task: Task | None = None
    inputs: Values = field(default_factory=Values)
    outputs: Values = field(default_factory=Values)
    phase: Phase = Phase.PENDING
    children: dict[str, Node] = field(default_factory=dict)
    message: str = ""
    exit_code: int | None = None
    attempts: int = 0
    cached: bool = False
    key: str = ""
    progress: str = ""
    started: float = 0.0
    finished: float = 0.0

    @property
    def name(self) -> str:
        """The node's path with dots, as in messages."""
        return ".".join(self.path)

    @property
    def cover_type(self) -> str | None:
        """The slug of the cover type that the node's task belongs to; None if it belongs to none."""
        parameter = self.task.arguments.parameters.get(COVER_TYPE) if self.task else None
        return parameter.value if parameter else None

    @property
    def cell(self) -> tuple[str, ...]:
        """The cover type and the step of the node's task, or its name alone: its position in tables."""
        return task_path(self.task.name, self.cover_type) if self.task else ()

    @property
    def depends(self) -> str:
        """The ``depends`` expression of the node's task, empty where it has none."""
        return self.task.depends if self.task else ""

    @property
    def container(self) -> Container:
        """The container of a leaf; ValueError for a DAG."""
        if self.template.container is None:
            raise ValueError(self.name)
        return self.template.container

    @property
    def threads(self) -> int:
        """The number of threads that a leaf asks for: the largest of its parameters that hold one."""
        values = [self.inputs.parameters.get(name) for name in self.template.threads_parameters]
        return max((int(value) for value in values if value), default=1)

    @property
    def log(self) -> Path:
        """The file with the output of a leaf."""
        return self.folder / "log.txt"

    @property
    def seconds(self) -> float:
        """Seconds from the start of the node to its end."""
        return max(0.0, self.finished - self.started)

    def leaves(self) -> list[Node]:
        """Return the leaves below this node, in the order of the tasks."""
        if self.template.container:
            return [self]
        return [leaf for child in self.children.values() for leaf in child.leaves()]


class Observer(Protocol):
    """Receives the changes of a run, such as a display."""

    def phase_changed(self, node: Node) -> None:
        """Handle a change of a node's phase."""

    def tick(self, root: Node) -> None:
        """Handle the passing of time, a few times per second; the progress of running nodes may have changed."""


def read_progress(path: Path) -> str:
    """Return the progress that a step wrote, empty before it has written any."""
    try:
        return path.read_text("utf-8").strip()
    except OSError:
        return ""


def failure_reason(log: Path, code: int) -> str:
    """Return the text of the last ``error:`` line in a log; where there is none, the meaning of the exit code."""
    lines = log.read_text("utf-8", errors="replace").splitlines() if log.exists() else []
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if errors:
        return errors[-1]
    signal = code - SIGNAL_CODES
    return f"ended by signal {signal}" if signal > 0 else f"ended with exit code {code}"
