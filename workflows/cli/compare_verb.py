"""The verb ``compare``, which compares two runs on this machine or two versions of a registry."""

import json
from pathlib import Path
from typing import Annotated

import typer

from steps.core import uris
from workflows.cli.options import JsonFlag, Output
from workflows.cli.registry_verbs import open_registry

app = typer.Typer()


@app.command()
def compare(  # noqa: PLR0913 - one argument a flag
    first: Annotated[str, typer.Argument(metavar="A", help="A run, or a version or alias in --registry.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The other; gains are those of B over A.")],
    *,
    registry: Annotated[
        str | None,
        typer.Option(metavar="URI", help="Registry of the versions; a name that is none of its versions is a run."),
    ] = None,
    on: Annotated[
        str, typer.Option(metavar="URI", help="Table with labels to compare on, such as one that both never saw.")
    ] = "",
    output: Output = None,
    as_json: JsonFlag = False,
) -> int:
    """Compare two runs or versions: metrics on the same rows, parameters, data, time and size."""
    from workflows.runs.comparison import compare_sides, read_sides
    from workflows.terminal.comparison_table import print_comparison
    from workflows.terminal.display import make_console

    table = uris.parse(on, where="--on").text if on else ""
    opener = (lambda: open_registry(registry)) if registry else None
    document = compare_sides(*read_sides((first, second), output or Path("runs"), opener, table))
    if as_json:
        print(json.dumps(document))
    else:
        print_comparison(make_console(), document)
    return 0
