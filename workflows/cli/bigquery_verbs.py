"""The verb ``load-bigquery``."""

import json
from typing import Annotated

import typer

from workflows.cli.options import GOOGLE, JsonFlag, examples

app = typer.Typer()


@app.command(rich_help_panel=GOOGLE, epilog=examples("load-bigquery --table project.covertype.cover"))
def load_bigquery(
    *,
    table: Annotated[
        str,
        typer.Option(metavar="PROJECT.DATASET.TABLE", help="Table to create, in a dataset that is created if needed."),
    ],
    location: Annotated[str, typer.Option(help="Location of a new dataset: US, EU, europe-west1. (default: US)")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Replace an existing table.")] = False,
    as_json: JsonFlag = False,
) -> int:
    """Load the bundled table into a dataset of yours, as a source to try BigQuery with."""
    from steps import schema as schemas
    from steps.google.bigquery.load import load

    loaded = load(table, schemas.load(schemas.BUILTIN), location=location, replace=replace)
    if as_json:
        print(json.dumps({"source": loaded.uri, "rows": loaded.rows, "location": loaded.location}))
    else:
        print(f"{loaded.rows:,} rows are in {loaded.uri}, in {loaded.location}")
        print(f"next: python workflows/covertype.py run --source {loaded.uri}")
    return 0
