"""Renders a workflow as a Workflow, WorkflowTemplate or CronWorkflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hera.workflows import CronWorkflow, Workflow, WorkflowTemplate

from steps.core.errors import UsageError
from workflows import pipeline, prediction
from workflows.argo import envelope, form
from workflows.argo.revision import git_revision
from workflows.settings import names, schedules

if TYPE_CHECKING:
    from workflows.argo.step import Slot
    from workflows.prediction import Prediction
    from workflows.settings import Settings

# Default schedules of a CronWorkflow: of the pipeline Mondays at three, of a prediction every night at four.
WEEKLY, NIGHTLY = "0 3 * * 1", "0 4 * * *"
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
    starts = "opens a form, filled in for" if kind == "WorkflowTemplate" else "starts a whole run"
    annotation = f"Submit {starts}: {form.values(settings)}."
    return _as_kind(built, kind, name or pipeline.NAME, schedule or WEEKLY, annotation)


def render_prediction(  # noqa: PLR0913 - what differs between resources
    settings: Settings,
    wanted: Prediction,
    kind: str,
    *,
    name: str | None = None,
    schedule: str | None = None,
    revision: str | None = None,
) -> dict[str, Any]:
    """Return the workflow that scores a table as plain values; see :func:`render`.

    Args:
        settings: where to run.
        wanted: what to score.
        kind: one of ``KINDS``.
        name: name of the resource.
        schedule: when a CronWorkflow runs; default ``NIGHTLY``.
        revision: git revision for its label; default that of this checkout.

    Raises:
        UsageError: Argo would refuse the name or the schedule; see ``prediction.build``.
    """
    _check_arguments(kind, name, schedule)
    revision = git_revision() if revision is None else revision
    built = prediction.build(settings, wanted, name=name, revision=revision)
    annotation = f"Submit scores {wanted.options.input} with version {wanted.registered.version}."
    return _as_kind(built, kind, name or prediction.NAME, schedule or NIGHTLY, annotation)


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


def _as_kind(built: Workflow, kind: str, name: str, schedule: str, annotation: str) -> dict[str, Any]:
    """Return a workflow as a resource of a kind.

    Args:
        built: the workflow.
        kind: one of ``KINDS``.
        name: name of a kind other than Workflow.
        schedule: schedule of a CronWorkflow.
        annotation: description of a kind other than Workflow.
    """
    if kind == "Workflow":
        return _plain_values(built)
    fields = {field: value for field, value in vars(built).items() if field in _SHARED and value is not None}
    fields |= {"name": name, "annotations": {envelope.DESCRIPTION: annotation}}
    if kind == "WorkflowTemplate":
        return _plain_values(WorkflowTemplate(**fields))
    return _plain_values(CronWorkflow(**fields, schedules=[schedule], concurrency_policy="Forbid", timezone="UTC"))


def _plain_values(workflow: Workflow) -> dict[str, Any]:
    plain: dict[str, Any] = workflow.to_dict()
    return plain
