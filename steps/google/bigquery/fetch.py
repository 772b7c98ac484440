"""Fetch the rows that BigQuery exported, and open them as a source on this machine.

All datasets have the same rows and features, so only one of them is fetched, with the labels of the source. The rows
are sorted in memory, which training needs for them anyway.
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

    from steps.google.bigquery.export import Exported, ExportRequest
    from steps.google.gcs import Object, Store
    from steps.sources.files import Source


@dataclass(frozen=True)
class Fetched:
    """The exported rows.

    Attributes:
        source: The rows as a source with the labels of the schema.
        facts: The entries of ``profile.json`` about the original source.
        label_mode: The option ``--first-label`` for reading ``source``.
    """

    source: Source
    facts: dict[str, str]
    label_mode: str


@contextmanager
def open_exported(request: ExportRequest) -> Iterator[Fetched]:
    """Export the datasets, and open their rows as a source until the block ends; errors as for ``export.export``."""
    store = gcs.connect()
    done = export(request, store)
    facts = {"shape": done.layout, "labels": done.labels, "inside_bigquery": request.prefix}
    lowest = min((each.label for each in request.schema.cover_types if isinstance(each.label, int)), default=None)
    mode = {0: "zero", 1: "one"}.get(-1 if lowest is None else lowest, "auto")
    with tempfile.TemporaryDirectory(prefix="covertype-source-") as name:
        path = Path(name) / "table.parquet"
        rows = _fetch_rows(store, request, done, Path(name))
        staging.write_staged(rows.to_batches(), path, request.name)
        del rows
        yield Fetched(files.open_files([(path, request.name)], request.schema, request.name), facts, mode)


def _fetch_rows(store: Store, request: ExportRequest, done: Exported, folder: Path) -> pa.Table:
    """Return the rows in the order of their numbers: features, the split if there is one, and the target."""
    count = sum(done.counts.values())
    table = _sort_rows(_download_table(store, done.datasets[request.slugs[0]], folder), count, request)
    labels = _sort_rows(_download_table(store, done.label_objects, folder), count, request)
    names = [column.name for column in request.schema.columns]
    names += [SPLIT] if SPLIT in table.column_names else []
    return table.select(names).append_column(request.schema.target, labels.column(LABEL))


def _download_table(store: Store, objects: Sequence[Object], folder: Path) -> pa.Table:
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


def _sort_rows(table: pa.Table, count: int, request: ExportRequest) -> pa.Table:
    numbers = table.column(ROW).to_numpy()
    order = np.argsort(numbers)
    if not np.array_equal(numbers[order], np.arange(count)):
        what = f"{len(numbers):,} rows arrived, and their numbers are not 0 to {count - 1:,}"
        raise BadDataError(what, where=request.prefix, fix="use a table that does not change, or --snapshot-time")
    return table.take(order)
