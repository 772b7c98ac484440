"""Checks the names, labels and addresses of a request to a cluster before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steps import schema as schemas
from steps.core import uris
from steps.core.errors import BadConfigurationError, UsageError
from workflows.settings import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflows.settings import Settings


def checked_run_name(name: str | None) -> str | None:
    """Return a name that can be that of a run. It becomes part of a URL and of a path.

    Raises:
        UsageError: no run can have this name.
    """
    if name is not None and (problem := names.object_name("Workflow", name)):
        raise UsageError(problem, where="the name of a run", fix="`status` lists the existing ones")
    return name


def check_argo_namespace(namespace: str) -> None:
    """Raise BadConfigurationError unless the value of ARGO_NAMESPACE can be a namespace."""
    if problem := names.dns_label(namespace):
        raise BadConfigurationError(problem, where="ARGO_NAMESPACE", fix="name a namespace of the cluster")


def parse_labels(entries: Sequence[str]) -> dict[str, str]:
    """Return the labels in ``KEY=VALUE`` entries.

    Raises:
        UsageError: an entry is not a label, or a label has two values.
    """
    found: dict[str, str] = {}
    for entry in entries:
        key, separator, value = entry.partition("=")
        if not key or not separator:
            raise UsageError(f"{entry!r} is not a label", where="--label", fix="write KEY=VALUE")
        if problem := names.label_key(key) or names.label_value(value):
            raise UsageError(f"{entry!r} is not a label: {problem}", where="--label", fix="write KEY=VALUE")
        if found.setdefault(key, value) != value:
            raise UsageError(f"label {key!r} has two values", where="--label", fix="give one value")
    return found


def with_chosen_pods(settings: Settings) -> tuple[Settings, str]:
    """Return the settings with a way to divide the steps among pods, and a line that says why.

    The line is empty where the settings state a way.
    """
    if settings.pods != "auto":
        return settings, ""
    from workflows import pipeline, pod_plan

    schema = schemas.load(settings.table_schema)
    plan = pod_plan.choose_pods(settings, len(pipeline.chosen_cover_types(settings, schema)))
    return settings.model_copy(update={"pods": plan.pods}), plan.line


def check_addresses_for_pods(settings: Settings) -> None:
    """Raise UsageError where a source or a registry is on this machine, which pods cannot access."""
    if uris.parse(settings.source).kind == uris.PATH:
        raise UsageError(
            f"a path on this machine is not visible to the pods ({settings.source})",
            where="--source",
            fix="add the table to the image (FROM the steps' image, COPY table.parquet /data/) and use "
            "--source file:///data/table.parquet --image YOURS, or run locally with `run`",
        )
    if settings.registry and uris.parse(settings.registry).local:
        raise UsageError(
            f"the pods cannot write to a folder ({settings.registry})",
            where="--registry",
            fix="use gs://BUCKET/PREFIX, or run locally with `run`",
        )
