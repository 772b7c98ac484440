"""A run on a cluster as one JSON object, and what it leaves behind brought to this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steps.core.errors import RUN_FAILED, NoInputError
from workflows.cluster import logs, nodes
from workflows.runs import results

if TYPE_CHECKING:
    from pathlib import Path

    from workflows.cluster.client import Client
    from workflows.cluster.nodes import State

# What a person wants of a run: artifacts by their name, and where each goes below the run's folder.
_WANTED = {"html": "report.html", "json": "report.json", "model": "models/{row}"}


def summary(client: Client, state: State, failures: dict[str, str] | None = None) -> dict[str, Any]:
    """Return a run as plain values: what `--json` prints of it.

    Args:
        client: the way to the cluster.
        state: the run's state.
        failures: why steps failed, by name; what Argo says of them where it is not given.
    """
    return {
        "run": state.name,
        "namespace": client.namespace,
        "status": state.phase,
        "exit_code": (0 if state.phase == nodes.SUCCEEDED else RUN_FAILED) if state.done else None,
        "message": state.message,
        "progress": state.progress,
        "seconds": round(state.seconds, 2),
        "summary": state.summary,
        "link": client.link(state.name),
        "failed_steps": {step.name: step.message for step in state.failed} if failures is None else failures,
        "steps": {
            step.name: {
                "status": step.phase or nodes.PENDING,
                "seconds": round(step.seconds, 2),
                "attempts": step.attempts,
                "progress": step.progress,
                "message": step.note,
            }
            for step in state.steps.values()
        },
    }


def failures(client: Client, state: State) -> dict[str, str]:
    """Return why each step that failed by itself did, by its name."""
    failed = {step.name: step for step in state.failed}
    if not failed:
        return {}
    workflow = client.get(state.name)
    return {
        name: logs.reason(client, workflow, state.name, step) for name, step in results.root_failures(failed).items()
    }


def fetch(client: Client, name: str, folder: Path) -> list[Path]:
    """Bring the report and the models of a run below a folder, and return where they are."""
    workflow = client.get(name)
    state = nodes.read(workflow)
    found: list[Path] = []
    for step in state.steps.values():
        for artifact, place in _WANTED.items():
            if artifact in step.artifacts and not (step.artifacts[artifact].get("deleted")):
                target = folder / place.format(row=step.path[0])
                client.download(workflow, step, artifact, target)
                found.append(target)
    if not found:
        raise NoInputError(
            f"run {name!r} has no report and no model yet",
            where=f"namespace {client.namespace}",
            fix=f"see `status {name}`",
        )
    return found
