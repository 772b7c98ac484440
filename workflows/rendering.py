"""Renders the pipeline as a Workflow, WorkflowTemplate or CronWorkflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hera.workflows import CronWorkflow, Workflow, WorkflowTemplate

from steps.core.errors import UsageError
from workflows import pipeline
from workflows.argo import form
from workflows.argo.revision import git_revision
from workflows.settings import names, schedules

if TYPE_CHECKING:
    from workflows.argo.step import Slot
    from workflows.settings import Settings

# Default schedule of a CronWorkflow: Mondays at three.
WEEKLY = "0 3 * * 1"
KINDS = ("Workflow", "WorkflowTemplate", "CronWorkflow")


def render(  # noqa: PLR0913 - what differs between resources
    settings: Settings,
    kind: str,
    *,
    name: str | None = None,
    schedule: str | None = None,
    revision: str | None = None,
    source_file: Slot | None = None,
) -> dict[str, Any]:
    """Return the pipeline as plain values, in the form of Argo's resources.

    Args:
        settings: what to run, and where.
        kind: one of ``KINDS``.
        name: name of the resource. By default the cluster generates that of a Workflow; other kinds have a fixed one.
        schedule: when a CronWorkflow runs, as five cron fields or a word such as ``@daily``; default ``WEEKLY``.
        revision: git revision for its label; default that of this checkout.
        source_file: the file of the source, if it was uploaded, see ``interfaces.source_file``.

    Raises:
        UsageError: Argo would refuse the name or the schedule.
        PipelineError: see ``pipeline.build``.
    """
    _check_arguments(kind, name, schedule)
    revision = git_revision() if revision is None else revision
    built = pipeline.build(settings, name=name, revision=revision, source_file=source_file)
    if kind == "Workflow":
        return _plain_values(built)
    fields = {field: value for field, value in vars(built).items() if field in _SHARED and value is not None}
    fields["name"] = name or pipeline.NAME
    chosen = form.values(settings)
    if kind == "WorkflowTemplate":
        fields["annotations"] = {pipeline.DESCRIPTION: f"Submit opens a form, filled in for: {chosen}."}
        return _plain_values(WorkflowTemplate(**fields))
    fields["annotations"] = {pipeline.DESCRIPTION: f"Submit starts a whole run: {chosen}."}
    return _plain_values(
        CronWorkflow(**fields, schedules=[schedule or WEEKLY], concurrency_policy="Forbid", timezone="UTC")
    )


def _check_arguments(kind: str, name: str | None, schedule: str | None) -> None:
    if name is not None and (problem := names.object_name(kind, name)):
        raise UsageError(problem, where=f"--name of a {kind}", fix="give another name")
    if schedule is not None and (problem := schedules.problem(schedule)):
        raise UsageError(problem, where="--schedule", fix="write five cron fields such as '0 3 * * 1', or @daily")


# Fields of a Workflow that the other kinds have too.
_SHARED = (
    "namespace",
    "entrypoint",
    "service_account_name",
    "arguments",
    "labels",
    "workflow_metadata",
    "active_deadline_seconds",
    "pod_metadata",
    "pod_spec_patch",
    "archive_logs",
    "pod_gc",
    "ttl_strategy",
    "security_context",
    "templates",
)


def _plain_values(workflow: Workflow) -> dict[str, Any]:
    plain: dict[str, Any] = workflow.to_dict()
    return plain
