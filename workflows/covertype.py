"""The command line: ``python workflows/covertype.py VERB``.

Nothing heavy is imported before a verb needs it, so that ``--help`` answers at once.

The code that runs is that of the folder this file is in, whatever else is installed: a copy of the project runs itself.
"""

import os
import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # this file's own folder
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))  # noqa: PTH120

import steps  # isort: skip # noqa: F401 - before what may be imported from the current folder

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

try:
    import typer
except ImportError as missing:
    sys.exit(f"error: {missing}, in {sys.executable}: set the project up with `make run`, then use .venv/bin/python")

from steps.core import runtime
from steps.core.errors import UsageError
from workflows.cli import bigquery_verbs, cache_verbs, cluster_verbs, doctor_verb
from workflows.cli.options import Destination, JsonFlag, Output, with_settings

if TYPE_CHECKING:
    from workflows.settings import Settings

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Trains one XGBoost model per cover type as an Argo workflow: on this machine, or on a cluster.",
)
app.add_typer(cache_verbs.app, name="cache")
app.add_typer(cluster_verbs.app)
app.add_typer(doctor_verb.app)
app.add_typer(bigquery_verbs.app)

Parallel = Annotated[int | None, typer.Option(help="Cores to fill, above 0. (default: all)")]
CacheFlag = Annotated[
    bool | None, typer.Option("--cache/--no-cache", help="Use results of earlier runs. (default: cache)")
]
Debug = Annotated[bool, typer.Option("--debug", help="Print tracebacks.")]


@app.callback()
def common(*, debug: Debug = False) -> None:
    """Apply what is the same for all verbs."""
    if debug:
        os.environ["COVERTYPE_DEBUG"] = "1"


@app.command()
@with_settings
def run(
    *,
    settings: "Settings",
    as_json: JsonFlag = False,
    output: Destination = None,  # noqa: ARG001 - a setting
    parallel: Parallel = None,  # noqa: ARG001
    cache: CacheFlag = None,  # noqa: ARG001
) -> int:
    """Run the workflow on this machine."""
    return _run(settings, as_json=as_json)


@app.command()
@with_settings
def train(  # noqa: PLR0913 - settings, and one argument a flag
    cover_type: Annotated[str, typer.Argument(help="Label or slug, such as 4 or cottonwood-willow.")],
    *,
    settings: "Settings",
    as_json: JsonFlag = False,
    output: Destination = None,  # noqa: ARG001 - a setting
    parallel: Parallel = None,  # noqa: ARG001
    cache: CacheFlag = None,  # noqa: ARG001
) -> int:
    """Train one cover type from start to finish and print its metrics."""
    if settings.cover_types:
        raise UsageError("the cover type is the argument of this verb", where="--cover-types", fix="leave the flag out")
    return _run(settings.model_copy(update={"cover_types": (cover_type,)}), as_json=as_json)


def _run(settings: "Settings", *, as_json: bool) -> int:
    from workflows.runs.run_here import run_here
    from workflows.terminal.display import make_console, show_result

    console = make_console(stderr=as_json)
    result = run_here(settings, console)
    show_result(console, result)
    return _end(result, as_json=as_json)


def _end(result: dict[str, Any], *, as_json: bool) -> int:
    """Print a run's result where JSON is asked for, name the steps that failed, and return the exit code."""
    from workflows.runs import results

    if as_json:
        print(json.dumps(result))
    for name, message in results.causes(result["failed_steps"]).items():
        runtime.log(f"error: step {name} failed: {message}")
    if result["status"] != "Succeeded":
        runtime.log(f"the run ended as {result['status']}: inputs and logs are in {result['directory']}")
    code: int = result["exit_code"]
    return code


@app.command()
@with_settings
def render(
    *,
    settings: "Settings",
    kind: Annotated[
        Literal["Workflow", "WorkflowTemplate", "CronWorkflow"], typer.Option(help="Kind to render.")
    ] = "Workflow",
    schedule: Annotated[str | None, typer.Option(help="When a CronWorkflow runs. (default: Mondays at three)")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run. (default: the cluster makes one)")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-o", help="Write it here. (default: stdout)")] = None,
) -> int:
    """Print the workflow as YAML."""
    from steps.core import storage
    from workflows import rendering
    from workflows.argo import yaml_text

    if schedule is not None and kind != "CronWorkflow":
        raise UsageError(f"a {kind} has no schedule", where="--schedule", fix="say --kind CronWorkflow too")
    rendered = rendering.render(settings, kind, name=name, schedule=schedule)
    if file is None:
        yaml_text.print_yaml(rendered)
    else:
        storage.write_text(file, yaml_text.to_yaml(rendered))
    return 0


@app.command()
@with_settings
def lint(
    *,
    settings: "Settings",
    file: Annotated[Path | None, typer.Argument(help="A rendered workflow. (default: render one of each kind)")] = None,
) -> int:
    """Check that every reference of the workflow resolves; with an argo command line tool, that Argo accepts it too."""
    from workflows.cli import linting

    return linting.lint(settings, file)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of a run.")], output: Output = None, *, as_json: JsonFlag = False
) -> int:
    """Print the result of a run on this machine again."""
    from workflows.runs import results
    from workflows.terminal.display import make_console, show_result

    result = results.find(output or Path("runs"), name)
    if as_json:
        print(json.dumps(result))
    else:
        show_result(make_console(), result)
    return 0


@app.command()
def runs(output: Output = None, *, as_json: JsonFlag = False) -> int:
    """List the runs on this machine, oldest first."""
    from workflows.runs import results
    from workflows.terminal.display import make_console, runs_table

    found = results.listing(output or Path("runs"))
    if as_json:
        print(json.dumps(found))
    else:
        make_console().print(runs_table(found) if found else "no runs yet: start one with `run`")
    return 0


def main() -> None:
    """Run the command line and exit with its code."""
    runtime.prepare_process()
    code = runtime.run_to_exit_code(lambda: app(standalone_mode=False) or 0)
    runtime.flush_output()
    sys.exit(code)


if __name__ == "__main__":
    main()
