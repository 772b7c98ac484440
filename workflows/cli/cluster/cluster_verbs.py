"""The verbs about runs on a cluster: submit, status, logs, stop, retry, fetch, deploy."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steps.core import runtime
from steps.core.errors import UsageError
from workflows.cli.cluster import submission
from workflows.cli.options import CLUSTER, JsonFlag, RunsOrOutput, examples, limit, with_settings

if TYPE_CHECKING:
    from rich.console import Console

    from workflows.cluster.client import Client
    from workflows.cluster.nodes import State
    from workflows.settings import Settings

app = typer.Typer()

# Largest number of steps that a message names.
_MAX_NAMED = 3
Name = Annotated[str, typer.Argument(help="Name of a run on the cluster.", callback=submission.checked_run_name)]
Namespace = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Kubernetes namespace. (default: $ARGO_NAMESPACE or covertype)")
]
RunName = Annotated[str | None, typer.Option(help="Name of the run. (default: the cluster generates one)")]
Labels = Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Label of the workflow; may be repeated.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Let the cluster check the workflow and print it, without starting it.")
]
Watch = Annotated[
    bool, typer.Option("--watch", "-w", help="Show the run until it ends. Ctrl-C ends the display, not the run.")
]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait until the run ends. Exit code 0 if it succeeded, otherwise 1.")
]
WaitTimeout = Annotated[
    float | None,
    typer.Option(
        "--wait-timeout", metavar="SECONDS", callback=limit, help="Most seconds to wait, above 0. (default: no limit)"
    ),
]


def _open_client(namespace: str | None) -> "Client":
    from workflows import settings

    return connect_to_cluster(with_argo_namespace(settings.load({"namespace": namespace})))


def connect_to_cluster(settings: "Settings") -> "Client":
    """Return a client for the cluster of the environment and the namespace of the settings."""
    from workflows import cluster

    return cluster.connect_to_cluster(settings.namespace, os.environ)


def with_argo_namespace(settings: "Settings") -> "Settings":
    """Return the settings with the namespace of the argo command line tool (ARGO_NAMESPACE), unless they set one."""
    namespace = os.environ.get("ARGO_NAMESPACE")
    if not namespace or "namespace" in settings.model_fields_set:
        return settings
    submission.check_argo_namespace(namespace)
    changed: Settings = settings.model_copy(update={"namespace": namespace})
    return changed


@app.command(
    rich_help_panel=CLUSTER,
    epilog=examples(
        "submit --watch --rows 1000 --preset fast",
        "submit --source s3://bucket/cover.parquet --registry s3://bucket/models",
    ),
)
@with_settings
def submit(  # noqa: PLR0913 - one argument a flag
    *,
    settings: "Settings",
    name: RunName = None,
    label: Labels = None,
    dry_run: DryRun = False,
    watch: Watch = False,
    wait: Wait = False,
    wait_timeout: WaitTimeout = None,
    as_json: JsonFlag = False,
) -> int:
    """Start the workflow on a cluster. A --source that is a file of this machine is uploaded first."""
    from workflows import interfaces, rendering

    settings = with_argo_namespace(settings)
    submission.check_addresses_for_pods(settings, with_source=False)
    labels = submission.parse_labels(label or [])
    source = submission.find_source_file(settings)
    settings, reason = submission.with_chosen_pods(settings)
    workflow = rendering.render(settings, "Workflow", name=name)  # a mistake is seen before anything is sent
    client = connect_to_cluster(settings)
    if source:
        slot = interfaces.source_file(source.path.name, client.place_of(source))
        workflow = rendering.render(settings, "Workflow", name=name, source_file=slot)
    workflow["metadata"].setdefault("labels", {}).update(labels)
    following = submission.Following(watch=watch, wait=wait, timeout=wait_timeout, as_json=as_json)
    return submission.start_workflow(client, workflow, source, following, dry_run=dry_run, note=reason)


@app.command(rich_help_panel=CLUSTER, epilog=examples("status", "status first --watch"))
def status(
    name: Annotated[
        str | None,
        typer.Argument(help="Name of a run on the cluster. (default: list them)", callback=submission.checked_run_name),
    ] = None,
    namespace: Namespace = None,
    *,
    watch: Watch = False,
    as_json: JsonFlag = False,
) -> int:
    """Show the steps of a run on the cluster; without a name, list the runs."""
    from workflows.cluster import nodes, outcome, status_table
    from workflows.cluster.watch import follow_to_end
    from workflows.terminal.display import make_console

    client, console = _open_client(namespace), make_console()
    if name is None:
        return _list_runs(client, console, as_json=as_json)
    if watch:
        return follow_to_end(client, name, watch=True, timeout=None, as_json=as_json)
    state = nodes.read(client.get(name))
    if as_json:
        print(json.dumps(outcome.summary(client, state)))
    else:
        console.print(status_table.state_table(state), soft_wrap=True)
        for step, message in outcome.failures(client, state).items():
            runtime.log(f"error: step {step} failed: {message}")
    return 0


def _list_runs(client: "Client", console: "Console", *, as_json: bool) -> int:
    from workflows.cluster import nodes, status_table

    found = sorted(client.list(), key=nodes.age)  # newest last
    if as_json:
        states = [nodes.read(workflow) for workflow in found]
        print(json.dumps([{"run": state.name, "status": state.phase, "progress": state.progress} for state in states]))
    elif found:
        console.print(status_table.runs_table(found))
    else:
        console.print(f"no runs in namespace {client.namespace} yet: start one with `submit`")
    return 0


@app.command(rich_help_panel=CLUSTER, epilog=examples("logs first --step train --cover-type aspen --follow"))
def logs(
    name: Name,
    namespace: Namespace = None,
    *,
    step: Annotated[str | None, typer.Option(help="Print only this step, such as train.")] = None,
    cover_type: Annotated[str | None, typer.Option(help="Print only this cover type, by its slug.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Continue until the run ends.")] = False,
) -> int:
    """Print the logs of the steps of a run on the cluster."""
    from workflows.cluster import logs as step_logs
    from workflows.cluster import nodes
    from workflows.cluster.watch import Follower

    client = _open_client(namespace)
    tail = step_logs.Tail(client, name)

    def show(state: "State") -> None:
        for found, line in tail.read_new(step_logs.select_steps(state, step, cover_type)):
            print(f"{found.name}: {line}", flush=True)

    if follow:
        Follower(client, name).follow(show)
        return 0
    workflow = client.get(name)
    without_log = []
    for found in step_logs.select_steps(nodes.read(workflow), step, cover_type):
        lines = step_logs.read_log(client, workflow, found)
        without_log += [] if lines or found.phase not in nodes.FINISHED else [found.name]
        for line in lines:
            print(f"{found.name}: {line}")
        if advice := step_logs.memory_advice(workflow, found):  # the log of a process that was killed just ends
            runtime.log(f"{found.name}: {advice}")
    if without_log:
        more = len(without_log) - _MAX_NAMED
        names = ", ".join(without_log[:_MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
        runtime.log(f"no log of {names}: the cluster removes the pods of succeeded steps, with their logs")
    return 0


@app.command(rich_help_panel=CLUSTER, epilog=examples("stop first"))
def stop(name: Name, namespace: Namespace = None) -> int:
    """Stop a run on the cluster: its running steps end, and no others start."""
    from workflows.cluster import nodes

    client = _open_client(namespace)
    state = nodes.read(client.get(name))
    if state.done:
        print(f"{name} has already ended as {state.phase}")
        return 0
    client.stop(name)
    print(f"{name} is stopping: `status {name}` shows when it has ended")
    return 0


@app.command(rich_help_panel=CLUSTER, epilog=examples("retry first --watch"))
def retry(  # noqa: PLR0913 - one argument a flag
    name: Name,
    namespace: Namespace = None,
    *,
    watch: Watch = False,
    wait: Wait = False,
    wait_timeout: WaitTimeout = None,
    as_json: JsonFlag = False,
) -> int:
    """Run the failed steps of a run on the cluster again (needs argo-server or the argo command line tool)."""
    from workflows.cluster import nodes
    from workflows.cluster.watch import follow_to_end, print_lines

    client = _open_client(namespace)
    state = nodes.read(client.get(name))
    if not state.done or state.phase == nodes.SUCCEEDED:
        raise UsageError(f"run {name!r} is {state.phase}", fix="only a run that has failed can be retried")
    client.retry(name)
    print_lines(f"{name} runs again", f"Argo UI  {client.link(name)}", as_json=as_json)
    return follow_to_end(client, name, watch=watch, timeout=wait_timeout, as_json=as_json) if watch or wait else 0


@app.command(rich_help_panel=CLUSTER, epilog=examples("fetch first"))
def fetch(name: Name, namespace: Namespace = None, *, runs: RunsOrOutput = None, as_json: JsonFlag = False) -> int:
    """Download the report and the models of a run on the cluster, or the scores of a prediction."""
    from steps.core import storage
    from steps.registry.paths import REPORT_JSON
    from workflows.cluster import outcome
    from workflows.terminal.display import make_console
    from workflows.terminal.result_tables import print_metrics

    folder = (runs or Path("runs")) / name
    found = outcome.fetch(_open_client(namespace), name, folder)
    report = folder / REPORT_JSON
    document: dict[str, Any] = storage.read_json(report) if report in found else {}
    if as_json:
        paths = [str(path) for path in found]
        print(json.dumps({"run": name, "directory": str(folder), "files": paths, "report": document or None}))
        return 0
    if document:
        print_metrics(make_console(), document)
    for path in found:
        print(path)
    return 0


@app.command(rich_help_panel=CLUSTER, epilog=examples('deploy --schedule "0 3 * * 1"'))
@with_settings
def deploy(
    *,
    settings: "Settings",
    name: Annotated[str | None, typer.Option(help="Name of the template. (default: covertype)")] = None,
    schedule: Annotated[
        str | None, typer.Option(help="Also create a CronWorkflow with this schedule: five cron fields, in UTC.")
    ] = None,
) -> int:
    """Create or update a WorkflowTemplate on the cluster, to start runs from the Argo UI."""
    from workflows import rendering

    settings = with_argo_namespace(settings)
    submission.check_addresses_for_pods(settings)
    kinds = ["WorkflowTemplate", *([] if schedule is None else ["CronWorkflow"])]
    documents = [rendering.render(settings, kind, name=name, schedule=schedule) for kind in kinds]
    submission.apply_documents(connect_to_cluster(settings), documents)
    return 0
