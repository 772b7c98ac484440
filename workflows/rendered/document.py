"""The parts of a rendered workflow that the local executor supports, as dataclasses.

Field names are those of the Workflow specification: https://argo-workflows.readthedocs.io/en/latest/fields/.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Parameter:
    """A declared parameter.

    Attributes:
        name: name of the parameter.
        value: its value or default, if any.
        path: file that an output parameter is read from.
        expression: reference that an output parameter of a DAG is copied from.
    """

    name: str
    value: str | None = None
    path: str | None = None
    expression: str | None = None


@dataclass(frozen=True)
class Artifact:
    """A declared artifact, or an artifact argument of a task.

    Attributes:
        name: name of the artifact.
        path: path in the container.
        source: reference that it is copied from (Argo's field ``from``).
        raw: content that is part of the workflow.
        optional: whether it may be absent.
    """

    name: str
    path: str | None = None
    source: str | None = None
    raw: str | None = None
    optional: bool = False


@dataclass(frozen=True)
class Slots:
    """The parameters and artifacts of an ``inputs``, ``outputs`` or ``arguments`` field, by name."""

    parameters: dict[str, Parameter] = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)


@dataclass(frozen=True)
class Container:
    """The command ``python -m MODULE`` of a container; arguments and environment still contain Argo's variables."""

    module: str
    arguments: tuple[str, ...]
    environment: dict[str, str]


@dataclass(frozen=True)
class Retry:
    """How often a leaf is retried, and the delay before each attempt.

    Attributes:
        limit: most retries.
        duration: seconds before the first retry.
        factor: factor of the delay from one retry to the next.
        cap: longest delay in seconds.
    """

    limit: int = 0
    duration: float = 0.0
    factor: float = 1.0
    cap: float = float("inf")

    def delay(self, attempt: int) -> float:
        """Return the seconds to wait before the retry after attempt number ``attempt``, counted from 0."""
        return min(self.duration * self.factor**attempt, self.cap)


@dataclass(frozen=True)
class Task:
    """A task of a DAG."""

    name: str
    template: str
    depends: str
    arguments: Slots
    when: str = ""


@dataclass(frozen=True)
class Template:
    """A template: a container or a DAG, with its inputs and outputs.

    The last five attributes are those of the annotations in :mod:`workflows.contract`.
    """

    name: str
    inputs: Slots
    outputs: Slots
    container: Container | None = None
    tasks: tuple[Task, ...] = ()
    retry: Retry = Retry()
    deadline: float | None = None
    source_parameters: tuple[str, ...] = ()
    threads_parameters: tuple[str, ...] = ()
    publishes: bool = False
    continues: tuple[str, ...] = ()
    continues_despite: tuple[str, ...] = ()


@dataclass(frozen=True)
class Document:
    """A whole workflow of kind Workflow."""

    name: str
    entrypoint: str
    arguments: Slots
    templates: dict[str, Template]
