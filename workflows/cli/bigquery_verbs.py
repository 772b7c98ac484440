"""The verb ``load-bigquery``."""

import json
from typing import Annotated

import typer

from workflows.cli.options import JsonFlag

app = typer.Typer()


@app.command(rich_help_panel="Google Cloud")
def load_bigquery(
    *,
    table: Annotated[
        str, typer.Option(metavar="PROJECT.DATASET.TABLE", help="Table to make, and its dataset where there is none.")
    ],
    location: Annotated[str, typer.Option(help="Where a new dataset lies: US, EU, europe-west1. (default: US)")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of a table that is there.")] = False,
    as_json: JsonFlag = False,
) -> int:
    """Put the bundled table into a dataset of yours, as a source to try BigQuery with."""
    from steps import schema as schemas
    from steps.google.bigquery.load import load

    loaded = load(table, schemas.load(schemas.BUILTIN), location=location, replace=replace)
    if as_json:
        print(json.dumps({"source": loaded.uri, "rows": loaded.rows, "location": loaded.location}))
    else:
        print(f"{loaded.rows:,} rows are in {loaded.uri}, in {loaded.location}")
        print(f"next: python workflows/covertype.py run --source {loaded.uri}")
    return 0
