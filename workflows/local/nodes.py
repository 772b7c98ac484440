"""The state of a run: a tree of nodes, one for each task that the rendered workflow comes to."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workflows.rendered.document import Container, Task, Template


class Phase(enum.StrEnum):
    """Argo's phases of a node, as far as they occur here."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ERROR = "Error"
    OMITTED = "Omitted"

    @property
    def finished(self) -> bool:
        """Whether the node has come to its end."""
        return self not in {Phase.PENDING, Phase.RUNNING}

    @property
    def bad(self) -> bool:
        """Whether the node ended badly."""
        return self in {Phase.FAILED, Phase.ERROR}

    @property
    def result(self) -> str:
        """The phase as `depends` calls it."""
        return "Errored" if self is Phase.ERROR else self.value


@dataclass
class Values:
    """Parameters by name, and artifacts by name: where the file or folder lies and, once known, its digest."""

    parameters: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, Path] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, other: Values, other_name: str) -> bool:
        """Take an artifact over from other values; return False where it is not there."""
        if other_name not in other.artifacts:
            return False
        self.artifacts[name] = other.artifacts[other_name]
        if other_name in other.digests:
            self.digests[name] = other.digests[other_name]
        return True


@dataclass
class Node:
    """A task at work: its template, what it was given, and what has become of it.

    ``path`` is the names of the tasks that lead to it. A DAG has ``children`` by task name; a leaf has an exit code,
    a message of one line when it ended badly, its progress as ``done/total``, and its key in the cache.
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
        """The node's path in one word, as messages have it."""
        return ".".join(self.path)

    @property
    def depends(self) -> str:
        """What the node waits for, as Argo's `depends` expression; empty for nothing."""
        return self.task.depends if self.task else ""

    @property
    def container(self) -> Container:
        """What a leaf runs; ValueError for a DAG."""
        if self.template.container is None:
            raise ValueError(self.name)
        return self.template.container

    @property
    def threads(self) -> int:
        """The threads a leaf uses, as its parameters say: ``threads``, or of several steps the most."""
        given = [value for name, value in self.inputs.parameters.items() if name.split("-")[-1] == "threads"]
        return max((int(value) for value in given if value), default=1)

    @property
    def log(self) -> Path:
        """What a leaf printed."""
        return self.folder / "log.txt"

    @property
    def seconds(self) -> float:
        """Seconds from the node's start to its end."""
        return max(0.0, self.finished - self.started)

    def leaves(self) -> list[Node]:
        """Return the leaves of this node's tree, in the order of the tasks."""
        if self.template.container:
            return [self]
        return [leaf for child in self.children.values() for leaf in child.leaves()]
