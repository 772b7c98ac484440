"""The outcome of a run on a cluster: a JSON object, the reasons of failures, and the report and models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from steps.core.errors import RUN_FAILED, NoInputError
from steps.registry.paths import REPORT_HTML
from workflows.cluster import logs, nodes
from workflows.contract import REPORT_FILES, model_of
from workflows.interfaces import PREDICTION_FILES
from workflows.runs import results

if TYPE_CHECKING:
    from pathlib import Path

    from workflows.cluster.client import Client
    from workflows.cluster.nodes import State

# Paths of the report's artifacts below the folder of the run. Earlier versions called the page ``html``.
_REPORT = {**REPORT_FILES, "html": REPORT_HTML}


def summary(client: Client, state: State, failures: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the JSON object that `--json` prints of a run.

    Args:
        client: client of the cluster.
        state: state of the run.
        failures: reasons of failed steps by name; Argo's messages by default.
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
    """Return the reason of each failed step by its name, without steps that failed only because another did."""
    failed = {step.name: step for step in state.failed}
    if not failed:
        return {}
    workflow = client.get(state.name)
    return {
        name: logs.failure_reason(client, workflow, state.name, step)
        for name, step in results.root_failures(failed).items()
    }


def fetch(client: Client, name: str, folder: Path) -> list[Path]:
    """Download the report and the models of a run, or the scores of a prediction, and return their paths.

    Raises:
        NoInputError: the run has none yet.
    """
    workflow = client.get(name)
    state = nodes.read(workflow)
    found: list[Path] = []
    decided = any("decision" in step.artifacts for step in state.steps.values())
    for step in state.steps.values():
        for artifact, entry in step.artifacts.items():
            slug = model_of(artifact, step.path[0])
            path = f"models/{slug}" if slug else _REPORT.get(artifact)
            if artifact in PREDICTION_FILES:  # the user has chosen their names
                path = entry["path"].rpartition("/")[2].lstrip(".")
            if decided and artifact == "report":
                continue  # the page with the decision is the same with one section more
            if path and not entry.get("deleted"):
                target = folder / path
                client.download(workflow, step, artifact, target)
                found.append(target)
    if not found:
        raise NoInputError(
            f"run {name!r} has no report, no model and no scores yet",
            where=f"namespace {client.namespace}",
            fix=f"see `status {name}`",
        )
    return found
