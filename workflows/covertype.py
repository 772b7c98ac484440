"""The command line: ``python workflows/covertype.py VERB``.

Verbs import heavy modules only when they run, so that ``--help`` is fast. The script runs the code of the folder that
it is in, whatever else is installed, so that a copy of the project runs its own code.
"""

import os
import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the folder of this file
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))  # noqa: PTH120

import steps  # isort: skip # noqa: F401 - removes the current folder from the path, so it must be imported first

from typing import Annotated

try:
    import typer
except ImportError as missing:
    sys.exit(f"error: {missing}, in {sys.executable}: set the project up with `make run`, then use .venv/bin/python")

from steps.core import runtime
from workflows.cli import (
    bigquery_verbs,
    cache_verbs,
    compare_verb,
    predict_verb,
    registry_verbs,
    result_verbs,
    run_verbs,
    verify_verbs,
    workflow_verbs,
)
from workflows.cli.cluster import cluster_verbs, predict_cluster_verbs, rollout_verb
from workflows.cli.doctor import doctor_verb
from workflows.cli.options import RUNS, examples
from workflows.cli.tracking import mlflow_verb

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Train one XGBoost model per cover type as an Argo workflow, on this machine or on a cluster, and use them.",
    epilog=examples(
        "run --rows 1000 --preset fast", "predict --input new.csv --output scores.parquet", "submit --watch"
    ),
)
# In the order of the help.
app.add_typer(run_verbs.app)
app.add_typer(result_verbs.app)
app.add_typer(workflow_verbs.app)
app.add_typer(cache_verbs.app, name="cache", rich_help_panel=RUNS)
app.add_typer(predict_verb.app)
app.add_typer(compare_verb.app)
app.add_typer(registry_verbs.app)
app.add_typer(verify_verbs.app)
app.add_typer(mlflow_verb.app)
app.add_typer(cluster_verbs.app)
app.add_typer(predict_cluster_verbs.app)
app.add_typer(rollout_verb.app)
app.add_typer(doctor_verb.app)
app.add_typer(bigquery_verbs.app)


@app.callback()
def set_debug(*, debug: Annotated[bool, typer.Option("--debug", help="Print tracebacks.")] = False) -> None:
    """Let errors print tracebacks, in this process and in those of the steps."""
    if debug:
        os.environ["COVERTYPE_DEBUG"] = "1"


def main() -> None:
    """Run the command line and exit with its code."""
    runtime.prepare_process()
    code = runtime.run_to_exit_code(lambda: app(standalone_mode=False) or 0)
    runtime.flush_output()
    sys.exit(code)


if __name__ == "__main__":
    main()
