"""Measure ``predict`` from parquet to parquet: ``python -m benchmarks.predict_run MODELS [--times 1,10]``.

The input is the bundled table, repeated. A line for each size gives rows per second, start of the process included, and
the peak memory (PSS). ``MODELS`` is the folder ``models`` of a run.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import pyarrow.parquet as pq
import typer

from benchmarks import measure
from steps import schema as schemas

ROOT = Path(__file__).parents[1]


def write_input(path: Path, times: int) -> int:
    """Write the bundled table so many times to one file, without labels; return the number of rows."""
    schema = schemas.load(schemas.BUILTIN)
    table = pq.read_table(schemas.DATA / schema.builtin_table).drop_columns([schema.target])
    with pq.ParquetWriter(path, table.schema) as writer:
        for _ in range(times):
            writer.write_table(table)
    return int(table.num_rows * times)


def main(
    models: Path,
    times: Annotated[str, typer.Option(help="How often the table is repeated, for each size.")] = "1,10",
    repeat: Annotated[int, typer.Option(help="Measurements of each size, in turns.")] = 2,
) -> None:
    """Print a line for each size."""
    sizes = [int(each) for each in times.split(",")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = {size: write_input(folder / f"{size}.parquet", size) for size in sizes}
        found: dict[int, list[measure.Measured]] = {size: [] for size in sizes}
        for _ in range(repeat):
            for size in sizes:
                words = [
                    f"--input={folder / f'{size}.parquet'}",
                    f"--output={folder / 'scores.parquet'}",
                    "--overwrite",
                ]
                command = [sys.executable, "-m", "steps.predict", *words, f"--models={models.absolute()}"]
                found[size].append(measure.run([*command, f"--usage={folder / 'usage.json'}"], ROOT))
    for size, each in found.items():
        seconds = statistics.median(one.seconds for one in each)
        cpu, peak = (statistics.median(getattr(one, field) for one in each) for field in ("cpu_seconds", "peak_bytes"))
        others = statistics.median(one.other_cores for one in each)
        line = {
            "rows": rows[size],
            "seconds": round(seconds, 1),
            "rows/s": round(rows[size] / seconds),
            "rows per CPU second": round(rows[size] / cpu),
            "peak MB": round(peak / 1e6),
            "cores busy with others": round(others, 2),
        }
        print(json.dumps(line))


if __name__ == "__main__":
    typer.run(main)
