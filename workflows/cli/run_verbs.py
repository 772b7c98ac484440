"""The verbs ``run`` and ``train``, which run the pipeline on this machine."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steps.core import runtime
from steps.core.errors import UsageError
from workflows.cli.options import RUNS, JsonFlag, examples, with_local_settings
from workflows.cli.tracking.mlflow_verb import MlflowFlag, log_finished_run

if TYPE_CHECKING:
    from workflows.settings import Settings

app = typer.Typer()


@app.command(
    rich_help_panel=RUNS,
    epilog=examples(
        "run --rows 1000 --preset fast",
        "run --source mine.csv --schema mine.toml --trials 20 --timeout 600",
        "run --set train.aspen.rounds=50",
    ),
)
@with_local_settings
def run(
    *,
    settings: "Settings",
    mlflow: MlflowFlag = False,
    as_json: JsonFlag = False,
) -> int:
    """Run the workflow on this machine."""
    return _run_and_print(settings, mlflow=mlflow, as_json=as_json)


@app.command(rich_help_panel=RUNS, epilog=examples("train cottonwood-willow --preset fast"))
@with_local_settings
def train(
    cover_type: Annotated[str, typer.Argument(help="Label or slug, such as 4 or cottonwood-willow.")],
    *,
    settings: "Settings",
    mlflow: MlflowFlag = False,
    as_json: JsonFlag = False,
) -> int:
    """Train one cover type from start to finish and print its metrics."""
    if settings.cover_types:
        raise UsageError("the cover type is the argument of this verb", where="--cover-types", fix="leave the flag out")
    settings = settings.model_copy(update={"cover_types": (cover_type,)})
    return _run_and_print(settings, mlflow=mlflow, as_json=as_json)


def _run_and_print(settings: "Settings", *, mlflow: bool, as_json: bool) -> int:
    """Run the workflow, print its result, and return the exit code."""
    if mlflow:
        from workflows.tracking.connection import require_library

        require_library()  # an hour later would be too late
    from workflows.runs.run_here import run_here
    from workflows.terminal.display import make_console
    from workflows.terminal.result_tables import print_result

    console = make_console(stderr=as_json)
    result = run_here(settings, console)
    print_result(console, result)
    _log_failures(result)
    code: int = result["exit_code"]
    if mlflow:
        code = log_finished_run(result, settings.folder, settings.registry)
    if as_json:
        print(json.dumps(result))
    return code


def _log_failures(result: dict[str, Any]) -> None:
    """Log the error of each step that failed, and the folder of a run that did not succeed."""
    from workflows.runs import results

    for name, message in results.root_failures(result["failed_steps"]).items():
        runtime.log(f"error: step {name} failed: {message}")
    if result["status"] != "Succeeded":
        runtime.log(f"the run ended as {result['status']}: inputs and logs are in {result['directory']}")
