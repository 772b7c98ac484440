"""Make one dataset per cover type from a source table: the features, a 0/1 ``label`` and the ``row`` id."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steps import schema as schemas
from steps.core import runtime, storage, textfile
from steps.core.errors import UsageError
from steps.core.times import parse_time
from steps.datasets import one_vs_rest
from steps.datasets.one_vs_rest import Options
from steps.io import open_destination, open_exported, open_source
from steps.options.prepare import FirstLabel, PrepareOptions
from steps.registry import publishing
from steps.registry.paths import PROFILE
from steps.sources.reading import Reading

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


def main(  # noqa: PLR0913 - one argument a file
    *,
    dataset: Annotated[list[str], typer.Option(metavar="SLUG=PATH", help="A cover type and where its dataset goes.")],
    profile: Annotated[Path, typer.Option(help="Where the source's profile goes (JSON).")],
    options: PrepareOptions,
    query: Annotated[
        str, typer.Option(metavar="FILE", help="SQL for BigQuery to run, with --source bq://PROJECT, which is billed.")
    ] = "",
    source_file: Annotated[
        Path | None, typer.Option(help="File to read in the place of --source, which names it on another machine.")
    ] = None,
    schema: Annotated[str, typer.Option(help="Schema file (TOML), or covertype.")] = schemas.BUILTIN,
    fingerprints: Annotated[
        Path | None, typer.Option(help="Where fingerprints of the rows used go (parquet), to recognise these rows.")
    ] = None,
    summary: Annotated[Path | None, typer.Option(help="Where a line on the rows used goes.")] = None,
    usage: runtime.UsageOption = None,
) -> None:
    """Make one dataset per cover type from a source table."""
    table = schemas.load(schema)
    paths = parse_datasets(dataset, table)
    reading = Reading(
        query=_sql(query),
        query_name=Path(query).name,
        snapshot=parse_time(options.snapshot_time),
        location=options.location,
        maximum_bytes_billed=options.maximum_bytes_billed,
    )
    chosen = Options(options.rows, options.first_label, options.on_missing, options.max_dropped, options.duplicates)
    files: list[Path] = []
    with (
        ExitStack() as stack,
        runtime.record_usage(usage, "prepare", inputs=files, outputs=paths.values(), options=options) as use,
    ):
        facts: dict[str, Any] = {}
        if options.inside_bigquery:
            chosen.check_inside_bigquery()
            fetched = stack.enter_context(
                open_exported(
                    options.source, table, reading, list(paths), options.inside_bigquery, options.first_label.value
                )
            )
            opened, facts, chosen = fetched.source, fetched.facts, Options(first_label=FirstLabel(fetched.label_mode))
        else:
            opened = stack.enter_context(open_source(options.source, table, reading, source_file))
        files += [file.path for file in opened.files]
        figures = {
            "source": options.source,
            **reading.profile_entries(),
            **one_vs_rest.write_datasets(opened, paths, chosen, fingerprints),
            **facts,
        }
        use.rows_in, use.rows_out = figures["rows_read"], figures["rows"] * len(paths)
        figures["datasets"] = use.sha256 = {slug: storage.sha256_file(path) for slug, path in paths.items()}
        storage.write_json(profile, figures)
        if options.output:
            _publish({table.cover_type(slug).partition: path for slug, path in paths.items()}, profile, options.output)
    counts = ", ".join(f"{slug} {count}" for slug, count in figures["cover_types"].items())
    kept = f"{figures['rows']} of {figures['rows_read']} rows kept"
    for note in figures["notes"]:
        runtime.log(f"note: {note}")
    runtime.record_values((summary, "; ".join([kept, *figures["notes"]])))
    runtime.log(f"{kept}: {counts}")


def _publish(paths: Mapping[str, Path], profile: Path, uri: str) -> None:
    """Put the datasets, by folder, and the profile where others read them, all or nothing."""
    files = {f"{folder}/part-0.parquet": path for folder, path in paths.items()}
    published = publishing.publish({**files, PROFILE: profile}, open_destination(uri))
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
