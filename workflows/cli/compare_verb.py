"""The verb ``compare``, which compares two runs on this machine or two versions of a registry."""

import json
from typing import Annotated

import typer

from steps.core import uris
from workflows.cli.options import VERSIONS, JsonFlag, RunsOrOutput, examples
from workflows.cli.registry_flag import Registry, open_registry, registry_or_runs

app = typer.Typer()


@app.command(rich_help_panel=VERSIONS, epilog=examples("compare champion candidate --registry ./registry"))
def compare(  # noqa: PLR0913 - one argument a flag
    first: Annotated[
        str, typer.Argument(metavar="A", help="A run; with --registry a version or alias, or a run if there is none.")
    ],
    second: Annotated[str, typer.Argument(metavar="B", help="The other; gains are those of B over A.")],
    *,
    registry: Registry = None,
    on: Annotated[
        str, typer.Option(metavar="URI", help="Table with labels to compare on, such as one that both never saw.")
    ] = "",
    runs: RunsOrOutput = None,
    as_json: JsonFlag = False,
) -> int:
    """Compare two runs or versions: metrics on the same rows, parameters, data, time and size."""
    from workflows.runs.comparison import compare_sides, read_sides
    from workflows.runs.results import DEFAULT_FOLDER
    from workflows.terminal.comparison_table import print_comparison
    from workflows.terminal.display import make_console

    table = uris.parse(on, where="--on").text if on else ""
    address = registry_or_runs(registry, runs, first, second)
    opener = (lambda: open_registry(address)) if address else None
    sides = read_sides((first, second), runs or DEFAULT_FOLDER, opener, table)
    document = compare_sides(*sides)
    if as_json:
        print(json.dumps(document))
    elif sides[0].location == sides[1].location:
        print(f"{first} and {second} are the same {sides[0].kind}: {sides[0].location}")
    else:
        print_comparison(make_console(), document)
    return 0
