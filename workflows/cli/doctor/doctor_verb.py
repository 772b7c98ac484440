"""The verb ``doctor``."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from steps.core import uris
from workflows.cli.cluster.cluster_verbs import connect_to_cluster, with_argo_namespace
from workflows.cli.options import CLUSTER, JsonFlag, examples, with_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workflows.cluster.doctor import Finding
    from workflows.settings import Settings

app = typer.Typer()

_GOOGLE = (uris.TABLE, uris.GCS)


@app.command(rich_help_panel=CLUSTER, epilog=examples("doctor", "doctor --source bq://project.dataset.table"))
@with_settings
def doctor(*, settings: "Settings", as_json: JsonFlag = False) -> int:
    """Check the requirements of this pipeline on a cluster and at Google Cloud, and print how to fix failed checks."""
    from workflows.cluster.doctor import State

    failed = False
    findings = []
    for finding in _findings(with_argo_namespace(settings)):
        failed |= finding.state is State.FAILED
        findings.append(finding)
        if not as_json:
            print(_line(finding), flush=True)
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings]))
    return int(failed)


def _findings(settings: "Settings") -> "Iterator[Finding]":
    """Check Google Cloud where the settings name something there, and the cluster.

    Without a configured cluster, checks at Google suffice.
    """
    if google := _google_findings(settings):
        yield from google
        if not _cluster_is_configured():
            return
    yield from _cluster_findings(settings)


def _cluster_findings(settings: "Settings") -> "Iterator[Finding]":
    from workflows import rendering
    from workflows.cluster import doctor as checks
    from workflows.cluster.argo_server import ServerClient

    client = connect_to_cluster(settings)
    if isinstance(client, ServerClient):
        return checks.examine_server(client, rendering.render(settings, "Workflow"))
    return checks.examine_kube(client, settings.service_account, settings.image)  # type: ignore[arg-type]


def _google_findings(settings: "Settings") -> "Iterator[Finding] | None":
    """Return the checks of the sources and destinations at Google; None where the settings name none."""
    if not any(uri.startswith(_GOOGLE) for uri in (settings.source, settings.registry, settings.bucket)):
        return None
    from steps.core import textfile
    from steps.core.errors import UsageError
    from steps.core.times import parse_time
    from steps.sources.reading import Reading
    from workflows.cli.doctor.google_checks import GoogleResources, check_google

    query = textfile.read(Path(settings.query), UsageError).strip() if settings.query else ""
    snapshot = parse_time(settings.snapshot_time)
    reading = Reading(query, Path(settings.query).name, snapshot, settings.location, settings.maximum_bytes_billed)
    return check_google(GoogleResources(settings.source, reading, output=settings.bucket, registry=settings.registry))


def _cluster_is_configured() -> bool:
    variables = ("ARGO_SERVER", "KUBECONFIG", "KUBERNETES_SERVICE_HOST")
    return any(os.environ.get(name) for name in variables) or Path("~/.kube/config").expanduser().exists()


def _line(finding: "Finding") -> str:
    fix = f"\n{'':<9}{'':<23}fix: {finding.fix}" if finding.fix and finding.state.value == "failed" else ""
    return f"{finding.state.value:<9}{finding.check:<23}{finding.seen}{fix}"
