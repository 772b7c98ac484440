"""What every workflow of the project has around its templates: labels, security, lifetime, and its description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hera.workflows import Workflow
from hera.workflows.models import Metadata, WorkflowMetadata

from workflows.argo import hardening, housekeeping

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hera.workflows import DAG, Container, Parameter

    from workflows.settings import Settings

# Value of the label ``app.kubernetes.io/name``, by which `status` finds the workflows of the project.
APPLICATION = "covertype"
# Annotation with the text that the Argo UI shows beside the name of a run.
DESCRIPTION = "workflows.argoproj.io/description"


def make_workflow(  # noqa: PLR0913 - what differs between workflows
    settings: Settings,
    templates: Sequence[DAG | Container],
    parameters: Sequence[Parameter],
    *,
    name: str | None,
    prefix: str,
    revision: str,
    description: str,
    deadlines: Iterable[int],
) -> Workflow:
    """Return a workflow whose entry point is its first template.

    Args:
        settings: namespace and service account.
        templates: its templates.
        parameters: its parameters with their values.
        name: its name; if None, the cluster generates one.
        prefix: start of a generated name, without the dash.
        revision: git revision of the code, stored as a label; empty for none.
        description: text that tells a run from others. Argo replaces its variables.
        deadlines: deadlines in seconds of the pods that follow one another.
    """
    labels = {"app.kubernetes.io/name": APPLICATION, **({"covertype/revision": revision} if revision else {})}
    return Workflow(
        name=name,
        generate_name=None if name else f"{prefix}-",
        namespace=settings.namespace,
        entrypoint=templates[0].name,
        service_account_name=settings.service_account,
        arguments=list(parameters),
        labels=labels,
        workflow_metadata=WorkflowMetadata(labels=labels, annotations={DESCRIPTION: description}),
        pod_metadata=Metadata(labels=labels),
        **housekeeping.fields(deadlines),
        security_context=hardening.pod_security(),
        pod_spec_patch=hardening.pod_spec_patch(),
        templates=list(templates),
    )
