"""The verbs ``render`` and ``lint``, about the workflow as YAML."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from workflows.cli.cluster import submission
from workflows.cli.options import RUNS, examples, with_settings

if TYPE_CHECKING:
    from workflows.settings import Settings

app = typer.Typer()


@app.command(rich_help_panel=RUNS, epilog=examples('render --kind CronWorkflow --schedule "0 2 * * *" -o nightly.yaml'))
@with_settings
def render(
    *,
    settings: "Settings",
    kind: Annotated[
        Literal["Workflow", "WorkflowTemplate", "CronWorkflow"], typer.Option(help="Kind to render.")
    ] = "Workflow",
    schedule: Annotated[
        str | None,
        typer.Option(help="Schedule of a CronWorkflow, as five cron fields in UTC. (default: Mondays at three)"),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run. (default: the cluster generates one)")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-o", help="File to write to. (default: stdout)")] = None,
) -> int:
    """Print the workflow as YAML."""
    from workflows import rendering

    submission.check_schedule(kind, schedule)
    submission.write_workflow(rendering.render(settings, kind, name=name, schedule=schedule), file)
    return 0


@app.command(rich_help_panel=RUNS, epilog=examples("lint", "lint nightly.yaml"))
@with_settings
def lint(
    *,
    settings: "Settings",
    file: Annotated[Path | None, typer.Argument(help="A rendered workflow. (default: render one of each kind)")] = None,
) -> int:
    """Check the names and references of the workflow; run `argo lint` too if that tool is installed."""
    from workflows.cli import linting

    return linting.lint(settings, file)
