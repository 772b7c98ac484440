"""The verb ``doctor``."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from steps.core import uris
from workflows.cli.cluster_verbs import connected, placed
from workflows.cli.options import JsonFlag, with_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workflows.cluster.doctor import Finding
    from workflows.settings import Settings

app = typer.Typer()

_GOOGLE = (uris.TABLE, uris.BUCKET)


@app.command(rich_help_panel="Cluster")
@with_settings
def doctor(*, settings: "Settings", as_json: JsonFlag = False) -> int:
    """Check what a cluster and Google Cloud need for this pipeline, and say how to mend what is missing."""
    from workflows.cluster.doctor import State

    failed = False
    findings = []
    for finding in _examine(placed(settings)):
        failed |= finding.state is State.FAILED
        findings.append(finding)
        if not as_json:
            print(_line(finding), flush=True)
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings]))
    return int(failed)


def _examine(settings: "Settings") -> "Iterator[Finding]":
    """Look at what the settings name at Google, and at the cluster, unless none is configured and Google is named."""
    if google := _at_google(settings):
        yield from google
        if not _names_a_cluster():
            return
    yield from _of_cluster(settings)


def _of_cluster(settings: "Settings") -> "Iterator[Finding]":
    from workflows import rendering
    from workflows.cluster import doctor as checks
    from workflows.cluster.server import ServerClient

    client = connected(settings)
    if isinstance(client, ServerClient):
        return checks.examine_server(client, rendering.render(settings, "Workflow"))
    return checks.examine_kube(client, settings.service_account, settings.image)  # type: ignore[arg-type]


def _at_google(settings: "Settings") -> "Iterator[Finding] | None":
    """Return the checks of what the settings name at Google, None where they name nothing there."""
    if not any(uri.startswith(_GOOGLE) for uri in (settings.source, settings.registry, settings.bucket)):
        return None
    from steps.core import textfile
    from steps.core.errors import UsageError
    from steps.core.times import parse_time
    from steps.sources.reading import Reading
    from workflows.cli.google_checks import Asked, examine

    query = textfile.read(Path(settings.query), UsageError).strip() if settings.query else ""
    snapshot = parse_time(settings.snapshot_time)
    reading = Reading(query, Path(settings.query).name, snapshot, settings.location, settings.maximum_bytes_billed)
    return examine(Asked(settings.source, reading, output=settings.bucket, registry=settings.registry))


def _names_a_cluster() -> bool:
    variables = ("ARGO_SERVER", "KUBECONFIG", "KUBERNETES_SERVICE_HOST")
    return any(os.environ.get(name) for name in variables) or Path("~/.kube/config").expanduser().exists()


def _line(finding: "Finding") -> str:
    mend = f"\n{'':<9}{'':<23}mend it: {finding.fix}" if finding.fix and finding.state.value == "failed" else ""
    return f"{finding.state.value:<9}{finding.check:<23}{finding.seen}{mend}"
