"""The interface of a cluster's clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from workflows.cluster.artifact_store import LocalFile
    from workflows.cluster.nodes import Step

# Label of the workflows of this pipeline.
LABEL = "app.kubernetes.io/name"


class Client(Protocol):
    """One namespace of a cluster. Documents are plain dictionaries, as in the Kubernetes API."""

    namespace: str
    server: str

    def create(self, workflow: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Create a workflow, or with ``dry_run`` only have the server validate it; return it as stored."""

    def get(self, name: str) -> dict[str, Any]:
        """Return a workflow.

        Raises:
            NoInputError: there is none of this name.
        """

    def list(self) -> Sequence[dict[str, Any]]:
        """Return the workflows of this pipeline; their nodes may be missing."""

    def stop(self, name: str) -> None:
        """Start no more steps of a workflow, and end those that run."""

    def retry(self, name: str) -> None:
        """Run the failed steps of a workflow again."""

    def delete(self, name: str) -> None:
        """Delete a workflow and its pods."""

    def log(self, name: str, step: Step, *, tail: int | None = None, seconds: int | None = None) -> Sequence[str]:
        """Return the lines of a step's log, each with its time in front; none may be left where the pod is deleted.

        Args:
            name: name of the workflow.
            step: the step, which has a pod.
            tail: number of lines to return from the end, all by default.
            seconds: age of the oldest line to return.

        Raises:
            NoInputError: the pod is deleted.
        """

    def apply(self, document: dict[str, Any]) -> None:
        """Create a WorkflowTemplate or CronWorkflow, or replace the one of its name."""

    def download(self, workflow: dict[str, Any], step: Step, artifact: str, target: Path) -> None:
        """Download an output artifact: a file to ``target``, the files of a folder below it."""

    def place_of(self, file: LocalFile) -> Mapping[str, Mapping[str, str]]:
        """Return the place of a file in the artifact repository, as Argo writes it: ``{"s3": {"key": "a"}}``."""

    def upload(self, file: LocalFile, report: Callable[[int], None]) -> None:
        """Upload a file to the artifact repository, unless it is there already.

        Args:
            file: the file.
            report: called with the number of bytes of each part that has arrived.
        """

    def link(self, name: str) -> str:
        """Return the address of a workflow in the Argo UI."""
