"""Make one dataset per cover type from a source table: the features, a 0/1 ``label`` and the ``row`` id."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steps import schema as schemas
from steps.core import runtime, storage, textfile
from steps.core.errors import UsageError
from steps.datasets import one_vs_rest
from steps.datasets.missing import OnMissing
from steps.datasets.one_vs_rest import MAX_DROPPED, Duplicates, Labels, Options
from steps.io import open_destination, open_exported, open_source
from steps.registry import publishing
from steps.sources.reading import MAXIMUM_BYTES_BILLED, Reading, parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from steps.schema import Schema


def prepare(uri: str, schema: Schema, paths: Mapping[str, Path], options: Options) -> dict[str, Any]:
    """Write the datasets (slug to path) of the source at ``uri`` and return its profile."""
    with open_source(uri, schema, Reading()) as source:
        return {"source": uri, **one_vs_rest.write_datasets(source, paths, options)}


def parse_datasets(entries: list[str], schema: Schema) -> dict[str, Path]:
    """Parse ``SLUG=PATH`` entries; UsageError for one that is none, or a slug or a path given twice."""
    paths: dict[str, Path] = {}
    for entry in entries:
        slug, separator, path = entry.partition("=")
        if not (separator and path):
            raise UsageError(f"{entry!r} is not SLUG=PATH", where="--dataset")
        slug = schema.cover_type(slug).slug  # a label names a cover type too
        if slug in paths:
            raise UsageError(f"cover type {slug!r} is there twice", where="--dataset")
        if Path(path) in paths.values():
            raise UsageError(f"path {path!r} is there twice", where="--dataset")
        paths[slug] = Path(path)
    return paths


def main(  # noqa: PLR0913 - one argument an option
    *,
    dataset: Annotated[list[str], typer.Option(metavar="SLUG=PATH", help="A cover type and where its dataset goes.")],
    profile: Annotated[Path, typer.Option(help="Where the source's profile goes (JSON).")],
    source: Annotated[
        str,
        typer.Option(
            metavar="URI",
            help="builtin:, a path, file://, gs://BUCKET/OBJECT (* matches several) or bq://PROJECT.DATASET.TABLE;"
            " CSV, CSV.gz or parquet.",
        ),
    ] = "builtin:",
    query: Annotated[
        str, typer.Option(metavar="FILE", help="SQL for BigQuery to run, with --source bq://PROJECT, which is billed.")
    ] = "",
    snapshot_time: Annotated[
        str,
        typer.Option(metavar="TIME", help="Read BigQuery as it was then (RFC 3339); @snapshot_time in a query."),
    ] = "",
    location: Annotated[str, typer.Option(help="Where BigQuery runs the query: US, EU, europe-west1.")] = "",
    maximum_bytes_billed: Annotated[
        int, typer.Option(min=0, metavar="BYTES", help="Refuse a query that bills more, 0 for no limit.")
    ] = MAXIMUM_BYTES_BILLED,
    schema: Annotated[str, typer.Option(help="Schema file (TOML), or covertype.")] = schemas.BUILTIN,
    rows: Annotated[int, typer.Option(min=0, help="Size of the proportional sample, 0 for all rows.")] = 0,
    labels: Annotated[Labels, typer.Option(help="Where the source's labels start counting.")] = Labels.AUTO,
    on_missing: Annotated[OnMissing, typer.Option(help="Rows with a missing value.")] = OnMissing.FAIL,
    max_dropped: Annotated[
        float, typer.Option(min=0, max=1, help="Largest share of rows that may be dropped for a missing value.")
    ] = MAX_DROPPED,
    duplicates: Annotated[Duplicates, typer.Option(help="Rows that are equal to an earlier one.")] = Duplicates.KEEP,
    inside_bigquery: Annotated[
        str,
        typer.Option(
            metavar="URI",
            help="Let BigQuery make the datasets at gs://BUCKET/PREFIX, and fetch what is needed here from there.",
        ),
    ] = "",
    output: Annotated[
        str,
        typer.Option(metavar="URI", help="Publish them too: cover_type=LABEL/part-0.parquet below gs://BUCKET/PREFIX."),
    ] = "",
    summary: Annotated[Path | None, typer.Option(help="Where a line on the rows used goes.")] = None,
    usage: runtime.UsageOption = None,
) -> None:
    """Make one dataset per cover type from a source table."""
    table = schemas.load(schema)
    paths = parse_datasets(dataset, table)
    reading = Reading(_sql(query), Path(query).name, parse_time(snapshot_time), location, maximum_bytes_billed)
    options = Options(rows, labels, on_missing, max_dropped, duplicates)
    files: list[Path] = []
    with ExitStack() as stack, runtime.record_usage(usage, "prepare", inputs=files, outputs=paths.values()) as use:
        facts: dict[str, Any] = {}
        if inside_bigquery:
            options.check_inside_bigquery()
            fetched = stack.enter_context(
                open_exported(source, table, reading, list(paths), inside_bigquery, options.labels.value)
            )
            opened, facts, options = fetched.source, fetched.facts, Options(labels=Labels(fetched.label_mode))
        else:
            opened = stack.enter_context(open_source(source, table, reading))  # left when its files are counted
        files += [file.path for file in opened.files]
        figures = {
            "source": source,
            **reading.profile_entries(),
            **one_vs_rest.write_datasets(opened, paths, options),
            **facts,
        }
        use.rows_in, use.rows_out = figures["rows_read"], figures["rows"] * len(paths)
        storage.write_json(profile, figures)
        if output:
            _publish({table.cover_type(slug).partition: path for slug, path in paths.items()}, profile, output)
    counts = ", ".join(f"{slug} {count}" for slug, count in figures["cover_types"].items())
    kept = f"{figures['rows']} of {figures['rows_read']} rows kept"
    for note in figures["notes"]:
        runtime.log(f"note: {note}")
    runtime.record_values((summary, "; ".join([kept, *figures["notes"]])))
    runtime.log(f"{kept}: {counts}")


def _publish(paths: Mapping[str, Path], profile: Path, uri: str) -> None:
    """Put the datasets, by folder, and the profile where others read them, all or nothing."""
    files = {f"{folder}/part-0.parquet": path for folder, path in paths.items()}
    published = publishing.publish({**files, "profile.json": profile}, open_destination(uri))
    runtime.log(f"{'already there' if published.already else 'published'}: {published.manifest.location}")


def _sql(query: str) -> str:
    """Return what is in a query's file; UsageError where it is empty."""
    if not query:
        return ""
    sql = textfile.read(Path(query), UsageError).strip()
    if not sql:
        raise UsageError("the query is empty", where=query, fix="write a SELECT there")
    return sql


if __name__ == "__main__":
    runtime.run_and_exit(main)
