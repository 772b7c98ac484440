"""Make one dataset per cover type from a source table: the features, a 0/1 ``label`` and the ``row`` id.

Reads the source as a stream (once more where labels, a sample or duplicates must be known first), checks every value
against the schema, and writes the datasets side by side in one pass.
"""

from __future__ import annotations

import enum
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pyarrow as pa
import typer

from steps import ingest, labels, runtime, sampling, shapes, staging, storage, tables, textfile, uris
from steps import schema as schemas
from steps.errors import BadDataError, UsageError
from steps.profile import Profile
from steps.reading import MAXIMUM_BYTES_BILLED, SCHEME, Reading, parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from steps.bigquery_fetch import Fetched
    from steps.schema import Schema
    from steps.sources import Source


class Labels(enum.StrEnum):
    """Where a source's labels start counting."""

    AUTO = "auto"
    ZERO = "zero"
    ONE = "one"


class OnMissing(enum.StrEnum):
    """What to do with a row that has a missing value."""

    FAIL = "fail"
    DROP = "drop"


class Duplicates(enum.StrEnum):
    """What to do with a row that was there before."""

    KEEP = "keep"
    DROP = "drop"


@dataclass(frozen=True)
class Options:
    """How to read a source: ``rows`` is the size of the stratified sample, 0 for all rows."""

    rows: int = 0
    labels: Labels = Labels.AUTO
    on_missing: OnMissing = OnMissing.FAIL
    duplicates: Duplicates = Duplicates.KEEP

    def check_inside(self) -> None:
        """Raise UsageError for what only the preparation here does, not the one inside BigQuery."""
        if self != Options(labels=self.labels):
            what = "--rows, --on-missing drop and --duplicates drop do not go with it"
            raise UsageError(what, where="--inside-bigquery", fix="write them into the query")


def prepare(uri: str, schema: Schema, datasets: Mapping[str, Path], options: Options) -> dict[str, Any]:
    """Write the datasets (slug to path) of the source at ``uri`` and return its profile; errors as below."""
    with staging.opened(uri, schema, Reading()) as source:
        return {"source": uri, **from_source(source, datasets, options)}


def from_source(source: Source, datasets: Mapping[str, Path], options: Options) -> dict[str, Any]:
    """Write the datasets (slug to path) of an open source and return its profile.

    Raises:
        BadDataError: the source does not fit the schema, a value is missing under ``on_missing=fail``, or a cover
            type that was asked for has no row.
    """
    schema = source.schema
    runtime.log(f"{source.name}: {source.shape.name} columns{', with a split' if source.shape.has_split else ''}")
    offset = _label_offset(source, options.labels)
    keep = _selection(source, offset, options)
    profile = Profile(schema)
    fields = _fields(source)
    dropped = {"missing": 0, "duplicates": 0, "not_in_sample": 0}
    with ExitStack() as stack:
        writers = {slug: stack.enter_context(tables.writer(path, fields)) for slug, path in datasets.items()}
        for batch in ingest.batches(source, offset):
            _check_missing(batch, options.on_missing, source)
            mask = keep.mask(batch, dropped)
            arrays = [values.filter(pa.array(mask)) for values in batch.arrays]
            profile.add(arrays, batch.codes[mask])
            _write(batch, mask, arrays, writers, source)
        for slug, writer in writers.items():
            if not profile.class_counts()[slug]:
                where = source.name
                raise BadDataError(
                    f"no row is of cover type {slug!r}", where=where, fix="leave it out with --cover-types"
                )
            writer.metadata = tables.Metadata(schema, slug, profile.data_sha256)
    figures = profile.to_dict()
    return {
        "source_sha256": source.sha256(),
        "shape": source.shape.name,
        "labels": labels.start(schema, offset),
        "rows_read": figures["rows"] + sum(dropped.values()),
        "dropped": dropped,
        **figures,
    }


def _label_offset(source: Source, mode: Labels) -> int:
    target = source.schema.target
    auto = mode is Labels.AUTO and source.schema.labels_may_start_at_zero
    columns = (batch.column(target) for batch in source.batches([target]) if auto)
    found = labels.count(source.schema, columns, source.name)
    return labels.offset(source.schema, found, mode, source.name)


def _selection(source: Source, offset: int, options: Options) -> sampling.Selection:
    """Read the source as often as needed to know which of its rows stay."""
    firsts = None
    if options.duplicates is Duplicates.DROP:
        firsts = sampling.first_occurrences(batch.hashes() for batch in ingest.batches(source, offset))
    selection = sampling.Selection(firsts)
    if options.rows:
        sample = sampling.Sample(options.rows, len(source.schema.cover_types))
        for batch in ingest.batches(source, offset):
            sample.see(batch.first_row, batch.codes, selection.unique(batch))
        selection.sample = sample
    return selection


def _check_missing(batch: ingest.Batch, on_missing: OnMissing, source: Source) -> None:
    complete = batch.complete()
    if on_missing is OnMissing.DROP or complete.all():
        return
    at = int(np.argmin(complete))
    columns = zip(source.schema.columns, batch.arrays, strict=True)
    names = [column.name for column, values in columns if not values[at].is_valid]
    raise BadDataError(
        f"a value is missing in column {(names or [source.schema.target])[0]!r}",
        where=f"row {batch.first_in_file + at} of {batch.file}",
        fix="correct the source, or drop such rows with --on-missing drop",
    )


def _fields(source: Source) -> pa.Schema:
    fields = [pa.field(tables.LABEL, pa.uint8()), pa.field(tables.ROW, pa.int64())]
    split = [pa.field(tables.SPLIT, pa.int8())] if source.shape.has_split else []
    return pa.schema([*shapes.feature_fields(source.schema), *fields, *split])


def _write(
    batch: ingest.Batch,
    mask: NDArray[np.bool_],
    arrays: list[pa.Array],
    writers: Mapping[str, tables.Writer],
    source: Source,
) -> None:
    """Append the masked rows of a batch, whose filtered features are ``arrays``, to every dataset."""
    rows = pa.array(np.flatnonzero(mask) + batch.first_row, pa.int64())
    split = [] if batch.split is None else [batch.split.filter(pa.array(mask))]
    codes = batch.codes[mask]
    fields = _fields(source)
    for slug, writer in writers.items():
        label = pa.array((codes == source.schema.slugs.index(slug)).astype(np.uint8))
        writer.write(pa.RecordBatch.from_arrays([*arrays, label, rows, *split], schema=fields))


def parse_datasets(entries: list[str], schema: Schema) -> dict[str, Path]:
    """Parse ``SLUG=PATH`` entries; UsageError for one that is none, or a slug or a path given twice."""
    datasets: dict[str, Path] = {}
    for entry in entries:
        slug, separator, path = entry.partition("=")
        if not (separator and path):
            raise UsageError(f"{entry!r} is not SLUG=PATH", where="--dataset")
        slug = schema.cover_type(slug).slug  # a label names a cover type too
        if slug in datasets:
            raise UsageError(f"cover type {slug!r} is there twice", where="--dataset")
        if Path(path) in datasets.values():
            raise UsageError(f"path {path!r} is there twice", where="--dataset")
        datasets[slug] = Path(path)
    return datasets


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
    rows: Annotated[int, typer.Option(min=0, help="Size of the stratified sample, 0 for all rows.")] = 0,
    labels: Annotated[Labels, typer.Option(help="Where the source's labels start counting.")] = Labels.AUTO,
    on_missing: Annotated[OnMissing, typer.Option(help="Rows with a missing value.")] = OnMissing.FAIL,
    duplicates: Annotated[Duplicates, typer.Option(help="Rows that were there before.")] = Duplicates.KEEP,
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
    usage: runtime.UsageOption = None,
) -> None:
    """Make one dataset per cover type from a source table."""
    table = schemas.load(schema)
    datasets = parse_datasets(dataset, table)
    reading = Reading(_sql(query), Path(query).name, parse_time(snapshot_time), location, maximum_bytes_billed)
    options = Options(rows, labels, on_missing, duplicates)
    files: list[Path] = []
    with ExitStack() as stack, runtime.record_usage(usage, "prepare", inputs=files, outputs=datasets.values()) as use:
        facts: dict[str, Any] = {}
        if inside_bigquery:
            fetched = stack.enter_context(_fetched(source, table, reading, options, list(datasets), inside_bigquery))
            opened, facts, options = fetched.source, fetched.facts, Options(labels=Labels(fetched.label_mode))
        else:
            opened = stack.enter_context(staging.opened(source, table, reading))  # left when its files are counted
        files += [file.path for file in opened.files]
        figures = {"source": source, **reading.described(), **from_source(opened, datasets, options), **facts}
        use.rows_in, use.rows_out = figures["rows_read"], figures["rows"] * len(datasets)
        storage.write_json(profile, figures)
        if output:
            _publish({table.cover_type(slug).partition: path for slug, path in datasets.items()}, profile, output)
    counts = ", ".join(f"{slug} {count}" for slug, count in figures["cover_types"].items())
    runtime.log(f"{figures['rows']} of {figures['rows_read']} rows kept: {counts}")


def _publish(datasets: Mapping[str, Path], profile: Path, uri: str) -> None:
    """Put the datasets, by folder, and the profile where others read them, all or nothing."""
    from steps import publish

    files = {f"{folder}/part-0.parquet": path for folder, path in datasets.items()}
    published = publish.publish({**files, "profile.json": profile}, uri)
    runtime.log(f"{'already there' if published.already else 'published'}: {published.manifest.location}")


def _fetched(  # noqa: PLR0913, PLR0917 - what was asked for
    source: str, schema: Schema, reading: Reading, options: Options, slugs: list[str], prefix: str
) -> AbstractContextManager[Fetched]:
    """Have BigQuery make the datasets, and fetch the rows; for a source in BigQuery only."""
    options.check_inside()
    address = uris.parse(source)
    if address.kind != uris.TABLE:
        what = f"this is for BigQuery, the source is {source}"
        raise UsageError(what, where="--inside-bigquery", fix=f"say --source {SCHEME}PROJECT.DATASET.TABLE")
    from steps import bigquery_fetch
    from steps.bigquery_export import Wanted

    prefix = uris.parse(prefix, (uris.BUCKET,), what="destination", where="--inside-bigquery").text
    return bigquery_fetch.opened(Wanted(address.text, schema, reading, slugs, prefix, options.labels.value))


def _sql(query: str) -> str:
    """Return what is in a query's file; UsageError where it is empty."""
    if not query:
        return ""
    sql = textfile.read(Path(query), UsageError).strip()
    if not sql:
        raise UsageError("the query is empty", where=query, fix="write a SELECT there")
    return sql


if __name__ == "__main__":
    runtime.main_of(main)
