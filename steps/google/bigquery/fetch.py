"""What BigQuery exported as a source on this machine: the rows of one dataset, in their order, with their own labels.

All datasets have the same rows and features, so one is fetched, and beside it the labels: a seventh of what lies in the
bucket. The rows are put in order in memory, as training holds them in memory too.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from steps.core import runtime
from steps.core.errors import BadDataError
from steps.google import gcs
from steps.google.bigquery.export import export
from steps.sources import files, staging
from steps.tables import LABEL, ROW, SPLIT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from steps.google.bigquery.export import Exported, Wanted
    from steps.google.gcs import Object, Store
    from steps.sources.files import Source


@dataclass(frozen=True)
class Fetched:
    """The rows as a source whose labels are the schema's; ``facts`` are those of a profile that it cannot tell."""

    source: Source
    facts: dict[str, str]
    label_mode: str


@contextmanager
def opened(wanted: Wanted) -> Iterator[Fetched]:
    """Export the datasets, and open their rows as a source for as long as the block lasts; errors as ``export``."""
    store = gcs.connect()
    done = export(wanted, store)
    facts = {"shape": done.layout, "labels": done.labels, "inside_bigquery": wanted.prefix}
    lowest = min((each.label for each in wanted.schema.cover_types if isinstance(each.label, int)), default=None)
    mode = {0: "zero", 1: "one"}.get(-1 if lowest is None else lowest, "auto")
    with tempfile.TemporaryDirectory(prefix="covertype-source-") as name:
        path = Path(name) / "table.parquet"
        rows = _rows(store, wanted, done, Path(name))
        staging.write_staged(rows.to_batches(), path, wanted.name)
        del rows
        yield Fetched(files.open_files([(path, wanted.name)], wanted.schema, wanted.name), facts, mode)


def _rows(store: Store, wanted: Wanted, done: Exported, folder: Path) -> pa.Table:
    """Return the source's rows as they are numbered: features, the split where there is one, and the target."""
    count = sum(done.counts.values())
    table = _in_order(_downloaded(store, done.datasets[wanted.slugs[0]], folder), count, wanted)
    labels = _in_order(_downloaded(store, done.label_objects, folder), count, wanted)
    names = [column.name for column in wanted.schema.columns]
    names += [SPLIT] if SPLIT in table.column_names else []
    return table.select(names).append_column(wanted.schema.target, labels.column(LABEL))


def _downloaded(store: Store, objects: Sequence[Object], folder: Path) -> pa.Table:
    size = sum(each.size for each in objects)
    runtime.log(f"{objects[0].uri}: {len(objects)} objects, {size:,} bytes")
    parts = []
    for each in objects:
        path = folder / "part.parquet"
        store.download(each, path)
        with pq.ParquetFile(path) as file:
            parts.append(file.read(use_threads=False))
        path.unlink()
    return pa.concat_tables(parts)


def _in_order(table: pa.Table, count: int, wanted: Wanted) -> pa.Table:
    numbers = table.column(ROW).to_numpy()
    order = np.argsort(numbers)
    if not np.array_equal(numbers[order], np.arange(count)):
        what = f"{len(numbers):,} rows came, numbered otherwise than 0 to {count - 1:,}"
        raise BadDataError(what, where=wanted.prefix, fix="give a table that does not change, or --snapshot-time")
    return table.take(order)
