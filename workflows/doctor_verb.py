"""The verb ``doctor``."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from workflows.cluster_verbs import connected, placed
from workflows.options import JsonFlag, with_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workflows.cluster.doctor import Finding
    from workflows.settings import Settings

app = typer.Typer()


@app.command(rich_help_panel="Cluster")
@with_settings
def doctor(*, settings: "Settings", as_json: JsonFlag = False) -> int:
    """Check what a cluster needs for this pipeline, and say how to mend what is missing."""
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
    from workflows import rendering
    from workflows.cluster import doctor as checks
    from workflows.cluster.server import ServerClient

    client = connected(settings)
    if isinstance(client, ServerClient):
        return checks.examine_server(client, rendering.render(settings, "Workflow"))
    return checks.examine_kube(client, settings.service_account, settings.image)  # type: ignore[arg-type]


def _line(finding: "Finding") -> str:
    mend = f"\n{'':<9}{'':<23}mend it: {finding.fix}" if finding.fix and finding.state.value == "failed" else ""
    return f"{finding.state.value:<9}{finding.check:<23}{finding.seen}{mend}"
