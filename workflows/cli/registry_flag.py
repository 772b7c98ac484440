"""The flag ``--registry`` of the verbs about models, and what stands in for it: the variable of the setting."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steps.core.errors import UsageError

if TYPE_CHECKING:
    from steps.registry.destinations import Destination

Registry = Annotated[
    str | None,
    typer.Option(
        metavar="URI",
        help="Registry of the models: gs://BUCKET/PREFIX, s3://BUCKET/PREFIX or a folder. "
        "(default: COVERTYPE_REGISTRY)",
    ),
]
RequiredKey = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Public key (PEM) that must have signed the version in --registry.",
    ),
]


def registry_uri(given: str | None) -> str:
    """Return the address of a flag; without the flag that of COVERTYPE_REGISTRY, empty if there is none.

    Raises:
        PipelineError: The address is not valid.
    """
    from workflows import settings

    return settings.load({"registry": given}).registry


def open_registry(given: str | None) -> "Destination":
    """Return the registry of a flag or of COVERTYPE_REGISTRY.

    Raises:
        UsageError: Neither names one.
        PipelineError: The address is not valid, or there are no credentials.
    """
    from steps.io import open_destination

    found = registry_uri(given)
    if not found:
        fix = "name the registry that the models were registered in, here or in COVERTYPE_REGISTRY"
        raise UsageError("a registry is needed", where="--registry", fix=fix)
    return open_destination(found)


def registry_or_runs(given: str | None, runs: Path | None, *names: str) -> str:
    """Return the address of the registry to look names up in; empty for the runs on this machine.

    What the command line says comes first: ``--registry``, then ``--runs``, then names that are all runs in the
    default folder. COVERTYPE_REGISTRY is the registry of everything else.

    Args:
        given: The flag ``--registry``.
        runs: The flag ``--runs``.
        names: The names of versions, aliases or runs; none for a default.

    Raises:
        PipelineError: The address is not valid.
    """
    from workflows.runs.results import DEFAULT_FOLDER, run_folder

    if given is not None:
        return registry_uri(given)
    here = names and all(name and run_folder(DEFAULT_FOLDER, name).is_dir() for name in names)
    return "" if runs is not None or here else registry_uri(None)
