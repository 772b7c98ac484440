"""What the verbs need of a cluster, whichever way leads to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from workflows.cluster.nodes import Step

LABEL = "app.kubernetes.io/name"


class Client(Protocol):
    """A cluster as seen from one namespace. Documents are plain values, as Kubernetes has them."""

    namespace: str
    server: str

    def create(self, workflow: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Create a workflow, or with ``dry_run`` only have it checked; return it as the server has it."""

    def get(self, name: str) -> dict[str, Any]:
        """Return a workflow; NoInputError where there is none."""

    def list(self) -> Sequence[dict[str, Any]]:
        """Return the workflows of this pipeline, without their nodes where the server can leave them out."""

    def stop(self, name: str) -> None:
        """Let a workflow start nothing more and end what runs."""

    def retry(self, name: str) -> None:
        """Run again what failed in a workflow."""

    def delete(self, name: str) -> None:
        """Remove a workflow and its pods."""

    def log(self, name: str, step: Step, *, tail: int | None = None, seconds: int | None = None) -> Sequence[str]:
        """Return the lines of a step's log, all, the last ``tail`` or those of the last ``seconds``.

        Each has its time in front. NoInputError, or no line at all, where the pod is gone.
        """

    def apply(self, document: dict[str, Any]) -> None:
        """Create a WorkflowTemplate or CronWorkflow, or put it in the place of the one of its name."""

    def download(self, workflow: dict[str, Any], step: Step, artifact: str, target: Path) -> None:
        """Bring an output artifact here: a file to ``target``, a folder's files below it."""

    def link(self, name: str) -> str:
        """Return where the Argo UI shows a workflow."""
