"""Write the one-vs-rest datasets of a source: for each cover type the features, the 0/1 label and the row id.

The source is read as a stream and every value is checked against the schema. All datasets are written in one pass.
Additional passes come before it if labels, a sample or duplicates must be known first.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from steps import tables
from steps.core import runtime
from steps.core.errors import BadDataError, UsageError
from steps.datasets import duplicates, ingest, missing, notes, part_checks, sampling
from steps.datasets.missing import Tally
from steps.datasets.part_checks import Part
from steps.datasets.profile import Profile
from steps.datasets.selection import Selection
from steps.options.prepare import Duplicates, FirstLabel, OnMissing, PrepareOptions
from steps.sources import layouts
from steps.tables import fingerprints, labels

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from steps.schema import Schema
    from steps.sources.files import Source


@dataclass(frozen=True)
class Options:
    """The options that decide which rows of a source are used.

    Attributes:
        rows: The size of the sample; 0 for all rows.
        first_label: The number from which the source counts its labels.
        on_missing: How to treat rows with a missing value.
        max_dropped: The largest share of rows, 0 to 1, that may be dropped because of a missing value.
        duplicates: How to treat rows that are equal to an earlier row.
    """

    rows: int = 0
    first_label: FirstLabel = FirstLabel.AUTO
    on_missing: OnMissing = OnMissing.FAIL
    max_dropped: float = PrepareOptions.max_dropped
    duplicates: Duplicates = Duplicates.KEEP

    def __post_init__(self) -> None:
        """Raise UsageError if ``max_dropped`` is not a share, NaN included."""
        if not 0 <= self.max_dropped <= 1:
            raise UsageError(f"{self.max_dropped:g} is not a share", where="--max-dropped", fix="use 0 to 1")

    def check_inside_bigquery(self) -> None:
        """Raise UsageError for an option that the preparation inside BigQuery does not support."""
        if self.on_missing is OnMissing.KEEP:
            what = "--on-missing keep does not work together with this option"
            fix = "leave this option out, so that the rows are read to this machine"
            raise UsageError(what, where="--inside-bigquery", fix=fix)
        if self != Options(first_label=self.first_label, max_dropped=self.max_dropped):
            what = "--rows, --on-missing drop and --duplicates drop do not work together with this option"
            raise UsageError(what, where="--inside-bigquery", fix="write them into the query")


def write_datasets(
    source: Source, datasets: Mapping[str, Path], options: Options, record: Path | None = None
) -> dict[str, Any]:
    """Write the datasets of a source and return its profile, the content of ``profile.json``.

    Args:
        source: The source.
        datasets: The file to write for each cover type by slug.
        options: The options that decide which rows are used.
        record: The file to write with the fingerprints of these rows; None for none.

    Raises:
        BadDataError: The source does not fit the schema, a value is missing although ``on_missing`` is ``fail``, too
            many rows were dropped, or one of the cover types has too few rows to be split.
    """
    schema = source.schema
    runtime.log(f"{source.name}: {source.layout.name} columns{', with a split' if source.layout.has_split else ''}")
    offset = _find_label_offset(source, options.first_label)
    selection = _make_selection(source, offset, options)
    profile, tally = Profile(schema), Tally(schema)
    collector = fingerprints.Collector(split_given=source.layout.has_split) if record else None
    parts = np.zeros((len(schema.cover_types), len(tables.SPLITS)), np.int64)
    fields = _dataset_fields(source)
    dropped = {"missing": 0, "duplicates": 0, "not_in_sample": 0}
    with ExitStack() as stack:
        writers = {slug: stack.enter_context(tables.open_writer(path, fields)) for slug, path in datasets.items()}
        for batch in ingest.read_batches(source, offset):
            tally.add(batch)
            if options.on_missing is OnMissing.FAIL:
                missing.require_complete(batch, schema, ingest.read_batches(source, offset))
            mask = selection.mask(batch, dropped)
            arrays = [values.filter(pa.array(mask)) for values in batch.arrays]
            profile.add(arrays, batch.codes[mask])
            if batch.split is not None:
                np.add.at(parts, (batch.codes[mask], batch.split.to_numpy()[mask]), 1)
            _append_rows(batch, mask, arrays, writers, source)
            if collector:
                _add_fingerprints(collector, batch, mask, arrays)
        missing.check_dropped(tally, dropped["missing"], options.max_dropped, options.on_missing, source.name)
        if not tally.rows:
            raise BadDataError("there is no row", where=source.name, fix="give a table with rows below its header")
        used = profile.class_counts()
        where = f"the rows used of {source.name}" if any(dropped.values()) else source.name
        for slug in writers:
            _check_class(slug, tally.class_counts[slug], used, where)
        for slug, writer in writers.items():
            part_checks.check_size(slug, used[slug], sum(used.values()) - used[slug], where)
            if source.layout.has_split:
                _check_parts(slug, parts, schema, where)
            writer.metadata = tables.Metadata(schema, slug, profile.data_sha256)
    if record and collector:
        fingerprints.write_fingerprints(record, collector.finish(profile.data_sha256))
    found = {
        "source_sha256": source.sha256(),
        "shape": source.layout.name,
        "labels": labels.describe_start(schema, offset),
        "rows_read": tally.rows,
        "dropped": dropped,
        "missing": tally.missing,
        "source_cover_types": tally.class_counts,
        "prevalence": notes.compare_prevalence(tally.class_counts, used),
        **profile.to_dict(),
    }
    return {**found, "notes": notes.make_notes(found, schema, options.on_missing)}


def _check_class(slug: str, in_source: int, used: Mapping[str, int], where: str) -> None:
    """Raise BadDataError if no row of a cover type is used."""
    if in_source and not used[slug]:
        what = f"all {in_source:,} rows of cover type {slug!r} were dropped"
        raise BadDataError(what, where=where, fix="keep them with --on-missing keep, or leave it out of --cover-types")
    if not used[slug]:
        present = [other for other, rows in used.items() if rows]
        if len(present) == 1:
            what = f"all {used[present[0]]:,} rows are of cover type {present[0]!r}"
            raise BadDataError(what, where=where, fix="add rows of other cover types")
        raise BadDataError(f"no row is of cover type {slug!r}", where=where, fix="leave it out with --cover-types")


def _check_parts(slug: str, counts: NDArray[np.int64], schema: Schema, where: str) -> None:
    """Raise BadDataError if the ``split`` column leaves a part without positive or negative rows.

    ``counts`` are the numbers of rows by class and part (int64, shape (classes, parts)).
    """
    rows, positive = counts.sum(axis=0), counts[schema.slugs.index(slug)]
    parts = {name: Part(int(rows[i]), int(positive[i])) for i, name in enumerate(tables.SPLITS)}
    part_checks.check_given(slug, parts, where)


def _find_label_offset(source: Source, mode: FirstLabel) -> int:
    target = source.schema.target
    auto = mode is FirstLabel.AUTO and source.schema.labels_may_start_at_zero
    columns = (batch.column(target) for batch in source.batches([target]) if auto)
    found = labels.count_labels(source.schema, columns, source.name)
    return labels.find_offset(source.schema, found, mode, source.name)


def _make_selection(source: Source, offset: int, options: Options) -> Selection:
    """Return the selection of rows; one pass over the source for duplicates, and one for a sample."""
    firsts = None
    if options.duplicates is Duplicates.DROP:
        firsts = duplicates.mask_first_occurrences(batch.row_hashes() for batch in ingest.read_batches(source, offset))
    selection = Selection(options.on_missing, firsts)
    if options.rows:
        sample = sampling.Sample(options.rows, len(source.schema.cover_types))
        for batch in ingest.read_batches(source, offset):
            sample.add(batch.first_row, batch.codes, selection.unique_rows(batch))
        selection.sample = sample
    return selection


def _dataset_fields(source: Source) -> pa.Schema:
    fields = [pa.field(tables.LABEL, pa.uint8()), pa.field(tables.ROW, pa.int64())]
    split = [pa.field(tables.SPLIT, pa.int8())] if source.layout.has_split else []
    return pa.schema([*layouts.feature_fields(source.schema), *fields, *split])


def _add_fingerprints(
    collector: fingerprints.Collector, batch: ingest.Batch, mask: NDArray[np.bool_], arrays: list[pa.Array]
) -> None:
    """Add the rows that are used, without those that a ``split`` column makes test rows."""
    rows = int(mask.sum())
    if batch.split is not None:
        fitted = batch.split.to_numpy()[mask] != tables.SPLITS.index("test")
        arrays, rows = [values.filter(pa.array(fitted)) for values in arrays], int(fitted.sum())
    collector.add(arrays, rows)


def _append_rows(
    batch: ingest.Batch,
    mask: NDArray[np.bool_],
    arrays: list[pa.Array],
    writers: Mapping[str, tables.Writer],
    source: Source,
) -> None:
    """Append rows of a batch to every dataset.

    Args:
        batch: The batch.
        mask: The rows to append (bool, shape (rows,)).
        arrays: The feature columns of these rows.
        writers: The writer of each dataset by slug.
        source: The source.
    """
    rows = pa.array(np.flatnonzero(mask) + batch.first_row, pa.int64())
    split = [] if batch.split is None else [batch.split.filter(pa.array(mask))]
    codes = batch.codes[mask]
    fields = _dataset_fields(source)
    for slug, writer in writers.items():
        label = pa.array((codes == source.schema.slugs.index(slug)).astype(np.uint8))
        writer.write(pa.RecordBatch.from_arrays([*arrays, label, rows, *split], schema=fields))
