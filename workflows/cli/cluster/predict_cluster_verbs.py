"""The verbs that score a table on a cluster: submit-predict, render-predict, deploy-predict."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from steps.core.options import with_flags
from steps.options.predict import PredictOptions, RegistryOptions
from workflows.cli.cluster import submission
from workflows.cli.cluster.cluster_verbs import (
    DryRun,
    Labels,
    RunName,
    Wait,
    WaitTimeout,
    Watch,
    connect_to_cluster,
    with_argo_namespace,
)
from workflows.cli.options import CLUSTER, JsonFlag, examples, with_pod_settings
from workflows.cli.registry_flag import RequiredKey

if TYPE_CHECKING:
    from workflows.prediction import Prediction
    from workflows.settings import Settings

app = typer.Typer()

_Schedule = Annotated[
    str | None, typer.Option(help="Schedule of a CronWorkflow, as five cron fields in UTC. (default: every night)")
]


def _prediction(
    settings: "Settings", options: PredictOptions, registered: RegistryOptions, key: Path | None
) -> "Prediction":
    """Return what to score. The registry of the settings is used if no flag names one.

    Raises:
        PipelineError: the file of the key has no public key.
    """
    from workflows.prediction import Prediction

    public_key = ""
    if key:
        from steps.provenance import signing

        public_key = signing.read_public_key(key)
    registry = registered.registry or settings.registry
    return Prediction(options, RegistryOptions(registry=registry, version=registered.version), public_key=public_key)


@app.command(
    rich_help_panel=CLUSTER,
    epilog=examples(
        "submit-predict --input new.csv --output s3://bucket/scores.parquet --registry s3://bucket/models --watch"
    ),
)
@with_flags
@with_pod_settings
def submit_predict(  # noqa: PLR0913 - one argument a flag
    *,
    settings: "Settings",
    options: PredictOptions,
    registered: RegistryOptions,
    require_signature: RequiredKey = None,
    name: RunName = None,
    label: Labels = None,
    dry_run: DryRun = False,
    watch: Watch = False,
    wait: Wait = False,
    wait_timeout: WaitTimeout = None,
    as_json: JsonFlag = False,
) -> int:
    """Score a table on a cluster. An --input that is a file of this machine is uploaded first."""
    from dataclasses import replace

    from workflows import interfaces, rendering

    settings = with_argo_namespace(settings)
    prediction = _prediction(settings, options, registered, require_signature)
    submission.check_prediction_for_pods(options, prediction.registered, with_input=False)
    labels = submission.parse_labels(label or [])
    table = submission.find_input_file(options.input)
    client = connect_to_cluster(settings)
    if table:
        prediction = replace(prediction, input_file=interfaces.input_file(table.path.name, client.place_of(table)))
    workflow = rendering.render_prediction(settings, prediction, "Workflow", name=name)
    workflow["metadata"].setdefault("labels", {}).update(labels)
    following = submission.Following(watch=watch, wait=wait, timeout=wait_timeout, as_json=as_json)
    return submission.start_workflow(client, workflow, table, following, dry_run=dry_run)


@app.command(
    rich_help_panel=CLUSTER,
    epilog=examples(
        "render-predict --input s3://bucket/new.csv --output s3://bucket/scores.parquet --registry s3://bucket/models"
    ),
)
@with_flags
@with_pod_settings
def render_predict(  # noqa: PLR0913 - one argument a flag
    *,
    settings: "Settings",
    options: PredictOptions,
    registered: RegistryOptions,
    require_signature: RequiredKey = None,
    kind: Annotated[
        Literal["Workflow", "WorkflowTemplate", "CronWorkflow"], typer.Option(help="Kind to render.")
    ] = "Workflow",
    schedule: _Schedule = None,
    name: RunName = None,
    file: Annotated[Path | None, typer.Option("--file", "-o", help="File to write to. (default: stdout)")] = None,
) -> int:
    """Print the workflow that scores a table as YAML."""
    from workflows import rendering

    submission.check_schedule(kind, schedule)
    prediction = _prediction(settings, options, registered, require_signature)
    submission.write_workflow(
        rendering.render_prediction(settings, prediction, kind, name=name, schedule=schedule), file
    )
    return 0


@app.command(
    rich_help_panel=CLUSTER,
    epilog=examples(
        'deploy-predict --input s3://bucket/new.csv --output "s3://bucket/{date}.csv" --registry s3://bucket/models'
        ' --schedule "0 4 * * *"'
    ),
)
@with_flags
@with_pod_settings
def deploy_predict(  # noqa: PLR0913 - one argument a flag
    *,
    settings: "Settings",
    options: PredictOptions,
    registered: RegistryOptions,
    require_signature: RequiredKey = None,
    name: Annotated[str | None, typer.Option(help="Name of the template. (default: covertype-predict)")] = None,
    schedule: Annotated[
        str | None, typer.Option(help="Also create a CronWorkflow with this schedule: five cron fields, in UTC.")
    ] = None,
) -> int:
    """Create or update a WorkflowTemplate that scores a table, and a CronWorkflow that does so on a schedule."""
    from workflows import rendering

    settings = with_argo_namespace(settings)
    prediction = _prediction(settings, options, registered, require_signature)
    submission.check_prediction_for_pods(options, prediction.registered)
    kinds = ["WorkflowTemplate", *([] if schedule is None else ["CronWorkflow"])]
    documents = [
        rendering.render_prediction(settings, prediction, kind, name=name, schedule=schedule) for kind in kinds
    ]
    submission.apply_documents(connect_to_cluster(settings), documents)
    return 0
