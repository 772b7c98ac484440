"""The verbs ``show`` and ``runs``, about runs on this machine that have ended."""

import json
from typing import Annotated

import typer

from workflows.cli.options import RUNS, JsonFlag, RunsOrOutput, examples

app = typer.Typer()


@app.command(rich_help_panel=RUNS, epilog=examples("show covertype-20261127-034930-c350"))
def show(
    name: Annotated[str, typer.Argument(help="Name of a run.")],
    folder: RunsOrOutput = None,
    *,
    as_json: JsonFlag = False,
) -> int:
    """Print the result of a run on this machine again."""
    from workflows.runs import results
    from workflows.terminal.display import make_console
    from workflows.terminal.result_tables import print_result

    result = results.read_result(folder or results.DEFAULT_FOLDER, name)
    if as_json:
        print(json.dumps(result))
    else:
        console = make_console()
        print_result(console, result)
        console.print(f"compare it with another run: `compare OTHER {name}`", soft_wrap=True, markup=False)
    return 0


@app.command(rich_help_panel=RUNS, epilog=examples("runs"))
def runs(folder: RunsOrOutput = None, *, as_json: JsonFlag = False) -> int:
    """List the runs on this machine, oldest first."""
    from workflows.runs import results
    from workflows.terminal.display import make_console
    from workflows.terminal.result_tables import runs_table

    found = results.list_results(folder or results.DEFAULT_FOLDER)
    if as_json:
        print(json.dumps(found))
    else:
        console = make_console()
        console.print(runs_table(found) if found else "no runs yet: start one with `run`")
        if len(found) > 1:
            console.print("compare two of them: `compare A B`", markup=False)
    return 0
