"""What is checked of a request to a cluster before anything is sent: names, labels and addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steps.core import uris
from steps.core.errors import BadConfigurationError, UsageError
from workflows.settings import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflows.settings import Settings


def checked_name(name: str | None) -> str | None:
    """Refuse what cannot be the name of a run: it becomes part of an address and of a path."""
    if name is not None and (problem := names.object_name("Workflow", name)):
        raise UsageError(problem, where="the name of a run", fix="see `status` for those there are")
    return name


def check_namespace(namespace: str) -> None:
    """Refuse what cannot be the namespace of the argo command line tool."""
    if problem := names.dns_label(namespace):
        raise BadConfigurationError(problem, where="ARGO_NAMESPACE", fix="name a namespace of the cluster")


def labels(entries: Sequence[str]) -> dict[str, str]:
    """Return the labels that ``KEY=VALUE`` entries give; UsageError where one is none or is given twice."""
    found: dict[str, str] = {}
    for entry in entries:
        key, separator, value = entry.partition("=")
        if not key or not separator:
            raise UsageError(f"{entry!r} is no label", where="--label", fix="write KEY=VALUE")
        if problem := names.label_key(key) or names.label_value(value):
            raise UsageError(f"{entry!r} is no label: {problem}", where="--label", fix="write KEY=VALUE")
        if found.setdefault(key, value) != value:
            raise UsageError(f"label {key!r} is there twice", where="--label", fix="give one value")
    return found


def check_addresses(settings: Settings) -> None:
    """Refuse what names this machine, whose files the pods do not see."""
    if uris.parse(settings.source).kind == uris.PATH:
        raise UsageError(
            f"a path on this machine is not visible to the pods ({settings.source})",
            where="--source",
            fix="put the table into the image (FROM the steps' image, COPY table.parquet /data/) and write "
            "--source file:///data/table.parquet --image YOURS, or use `run` here",
        )
    if settings.registry and uris.parse(settings.registry).local:
        raise UsageError(
            f"the pods cannot write to a folder ({settings.registry})",
            where="--registry",
            fix="name gs://BUCKET/PREFIX, or use `run` here",
        )
