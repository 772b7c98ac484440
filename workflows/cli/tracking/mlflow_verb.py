"""The verb ``log-mlflow``, which logs runs and registered versions to MLflow, and ``run --mlflow``."""

import contextlib
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from steps.core import runtime
from steps.core.errors import NotLoggedError, PipelineError
from workflows.cli.options import VERSIONS, JsonFlag, RunsOrOutput, examples
from workflows.cli.registry_flag import Registry, registry_or_runs

app = typer.Typer()

MlflowFlag = Annotated[
    bool,
    typer.Option(
        "--mlflow",
        help="Log the finished run to MLflow: to MLFLOW_TRACKING_URI, or to a database in the output folder.",
    ),
]


@app.command(rich_help_panel=VERSIONS, epilog=examples("log-mlflow", "log-mlflow --registry ./registry"))
def log_mlflow(
    name: Annotated[
        str,
        typer.Argument(
            help="Name of a run on this machine, or a version or alias in --registry. (default: newest run, or aliases)"
        ),
    ] = "",
    *,
    registry: Registry = None,
    runs: RunsOrOutput = None,
    as_json: JsonFlag = False,
) -> int:
    """Log a run to MLflow, or mirror a registry: its champion, its candidate and NAME, as a registered model."""
    from workflows.runs.results import DEFAULT_FOLDER

    address = registry_or_runs(registry, runs, *([name] if name else []))
    logged = _log(runs or DEFAULT_FOLDER, name, address)
    if as_json:
        print(json.dumps(logged))
    else:
        print(*_lines(logged), sep="\n")
    return 0


def log_finished_run(result: dict[str, Any], runs: Path, registry: str) -> int:
    """Log a run that has just ended, print what was logged, and return the exit code of the verb.

    A failure is one line. It never changes the run, and the exit code of a run that failed stays.

    Args:
        result: The result of the run. It gets the key ``mlflow``: what was logged, None if that failed.
        runs: The folder of the runs.
        registry: The registry that the run was registered in; empty without one.
    """
    name, code = result["run"], int(result["exit_code"])
    result["mlflow"] = None
    try:
        logged = _log(runs, name, "")
        if registry and code == 0:
            logged |= {"versions": _log(runs, "", registry)["versions"]}
        result["mlflow"] = logged
    except Exception as error:  # noqa: BLE001 - nothing in MLflow may fail a finished run
        reason = error if isinstance(error, (PipelineError, OSError)) else f"{type(error).__name__}: {error}"
        again = f"`log-mlflow {name}`" + (f" and `log-mlflow --registry {registry}`" if registry else "")
        failure = NotLoggedError(f"run {name} is finished but not in MLflow: {reason}", fix=f"log it with {again}")
        runtime.log("error: " + " ".join(str(failure).split()))
        return code or failure.exit_code
    for line in _lines(logged):
        runtime.log(line)
    return code


def _log(runs: Path, name: str, registry: str) -> dict[str, Any]:
    """Log a run or the versions of a registry, and return what was logged as JSON values."""
    from workflows.tracking import records, registered_model, run_log
    from workflows.tracking.connection import connect

    record = None if registry else records.read_run(runs, name)
    # MLflow prints to standard output.
    with contextlib.redirect_stdout(sys.stderr), connect(runs) as connection:
        found: dict[str, Any] = {
            "tracking_uri": connection.address,
            "local": connection.local,
            "experiment": connection.experiment,
        }
        if record:
            run = run_log.log_run(connection, record)
            return {**found, "run": record.name, "run_id": run.run_id, "already": run.already, "versions": []}
        from steps.io import open_destination

        versions = registered_model.mirror_registry(connection, open_destination(registry), name)
        return {**found, "versions": [_version_facts(each) for each in versions]}


def _version_facts(found: Any) -> dict[str, Any]:  # noqa: ANN401 - a MirroredVersion, whose module is heavy
    return {
        "version": found.version,
        "model": found.model,
        "number": found.number,
        "aliases": list(found.aliases),
        "already": found.already,
        "run_id": found.run.run_id,
    }


def _lines(logged: dict[str, Any]) -> list[str]:
    """Return the lines about what was logged."""
    where = f"experiment {logged['experiment']} of {logged['tracking_uri']}"
    lines = []
    if "run" in logged:
        lines.append(f"{logged['run']} {'was already' if logged['already'] else 'is'} logged in {where}")
    for each in logged["versions"]:
        named = f", {' and '.join(each['aliases'])}" if each["aliases"] else ""
        was = "was already" if each["already"] else "is"
        lines.append(f"{each['version']} {was} version {each['number']} of {each['model']} in {where}{named}")
    if logged["versions"] and not any("champion" in each["aliases"] for each in logged["versions"]):
        lines.append("the registry has no champion, so MLflow has none")
    if logged["local"]:
        lines.append("look at it with `make mlflow-ui`")
    return lines
