"""The pipeline rendered as one of Argo's kinds, as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hera.workflows import CronWorkflow, Workflow, WorkflowTemplate

from steps.core.errors import UsageError
from workflows import pipeline
from workflows.argo.revision import git_revision
from workflows.settings import names, schedules

if TYPE_CHECKING:
    from workflows.settings import Settings

WEEKLY = "0 3 * * 1"
KINDS = ("Workflow", "WorkflowTemplate", "CronWorkflow")


def render(
    settings: Settings,
    kind: str,
    *,
    name: str | None = None,
    schedule: str | None = None,
    revision: str | None = None,
) -> dict[str, Any]:
    """Return the pipeline as a kind of Argo's, as plain values.

    Args:
        settings: what to run, and where.
        kind: one of ``KINDS``.
        name: of a run, a template or a cron workflow; only a run may do without.
        schedule: when a CronWorkflow runs, as five cron fields or ``@daily``; Mondays at three by default.
        revision: git revision to label it with; None takes this checkout's.

    Raises:
        UsageError: the name or the schedule is none that Argo accepts.
        PipelineError: as ``pipeline.build``.
    """
    _check(kind, name, schedule)
    built = pipeline.build(settings, name=name, revision=git_revision() if revision is None else revision)
    if kind == "Workflow":
        return _plain(built)
    fields = {name: value for name, value in vars(built).items() if name in _SHARED and value is not None}
    named = name or pipeline.NAME
    if kind == "WorkflowTemplate":
        return _plain(WorkflowTemplate(**{**fields, "name": named}))
    return _plain(
        CronWorkflow(
            **{**fields, "name": named}, schedules=[schedule or WEEKLY], concurrency_policy="Forbid", timezone="UTC"
        )
    )


def _check(kind: str, name: str | None, schedule: str | None) -> None:
    if name is not None and (problem := names.object_name(kind, name)):
        raise UsageError(problem, where=f"--name of a {kind}", fix="give another name")
    if schedule is not None and (problem := schedules.problem(schedule)):
        raise UsageError(problem, where="--schedule", fix="write five cron fields such as '0 3 * * 1', or @daily")


# What the three kinds have in common.
_SHARED = (
    "namespace",
    "entrypoint",
    "service_account_name",
    "arguments",
    "labels",
    "annotations",
    "pod_metadata",
    "pod_spec_patch",
    "archive_logs",
    "pod_gc",
    "ttl_strategy",
    "security_context",
    "templates",
)


def _plain(workflow: Workflow) -> dict[str, Any]:
    plain: dict[str, Any] = workflow.to_dict()
    return plain
