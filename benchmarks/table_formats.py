"""Measure how long a dataset and a feature table take to write and to read, by file format.

    python -m benchmarks.table_formats
    python -m benchmarks.table_formats --rows 10000 --repeat 1

The tables are those of the pipeline: a dataset of the bundled table for one cover type, and its training, validation
and test features together. One thread; the best of ``--repeat`` times counts. Prints Markdown.
"""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import typer

from benchmarks.against_classic import table
from benchmarks.presets_exploration import Design, feature_tables
from steps.models.features import DERIVED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COVER_TYPE = "aspen"
MEGABYTE = 1e6


def categories_of(rows: pa.Table) -> list[str]:
    """Return the names of the columns that are categories."""
    return [field.name for field in rows.schema if pa.types.is_dictionary(field.type)]


def formats(rows: pa.Table) -> Mapping[str, Callable[[Path], None]]:
    """Return the ways to write a table, by name."""

    def parquet(**options: object) -> Callable[[Path], None]:
        return lambda path: pq.write_table(rows, path, **options)

    return {
        "parquet, Snappy, dictionaries everywhere (pyarrow's default)": parquet(),
        "parquet, no compression, dictionaries everywhere": parquet(compression="none"),
        "parquet, Zstandard, dictionaries everywhere": parquet(compression="zstd"),
        "parquet, LZ4, dictionaries for categories (chosen)": parquet(
            compression="lz4", use_dictionary=categories_of(rows)
        ),
        "Arrow IPC, LZ4": lambda path: pyarrow.feather.write_feather(rows, path, compression="lz4"),
    }


def read(path: Path, name: str) -> pa.Table:
    """Read a table with one thread."""
    if name.startswith("Arrow"):
        return pyarrow.feather.read_table(path, use_threads=False, memory_map=False)
    return pq.read_table(path, use_threads=False)


def seconds(action: Callable[[], object]) -> float:
    """Return the wall time of a call."""
    clock = time.perf_counter()
    action()
    return time.perf_counter() - clock


def measure(rows: pa.Table, folder: Path, repeat: int) -> list[list[str]]:
    """Return a line for each format: milliseconds to write and to read, and megabytes."""
    lines, path = [], folder / "table"
    for name, write in formats(rows).items():
        written = min(seconds(partial(write, path)) for _ in range(repeat))
        taken = min(seconds(partial(read, path, name)) for _ in range(repeat))
        cells = [f"{1000 * written:.0f}", f"{1000 * taken:.0f}", f"{path.stat().st_size / MEGABYTE:.1f}"]
        lines.append([name, *cells])
    return lines


def main(
    *,
    rows: Annotated[int, typer.Option(min=0, help="Size of a proportional sample, 0 for all rows.")] = 0,
    repeat: Annotated[int, typer.Option(min=1, help="Times that each is measured.")] = 3,
) -> None:
    """Compare file formats for the tables between steps."""
    pa.set_cpu_count(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        features = feature_tables(folder, COVER_TYPE, DERIVED, Design(rows=rows))
        made = {
            "a dataset": pq.read_table(folder / "dataset.parquet"),
            "a feature table": pa.concat_tables(map(pq.read_table, features.values())),
        }
        for what, content in made.items():
            head = [f"format of {what} ({content.num_rows:,} rows)", "write ms", "read ms", "MB"]
            print(table(head, measure(content, folder, repeat)), end="\n\n")


if __name__ == "__main__":
    typer.run(main)
