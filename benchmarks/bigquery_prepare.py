"""Compare two ways to make seven datasets from a table in BigQuery: the pipeline, and pandas with CSV files.

    python -m benchmarks.bigquery_prepare compare --repeat 3

Both read the bundled table (581,012 rows, 13 columns) by the Storage Read API from the emulator of BigQuery that the
tests use. They run alternately, each in a process of its own. The service and its network are not measured. The time of
the emulator is part of both wall times, and is reported as load of other programs. The emulator sends the whole table
as one message, which both keep in memory. The service sends messages of some megabytes, and the pipeline keeps one at a
time.

The pandas way is ``to_dataframe()``, ``get_dummies()`` of the label, and ``to_csv()`` for each cover type. It needs the
package db-dtypes, which the project does not need. Without it, the same frame is made from an Arrow table. The output
is Markdown.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from benchmarks.measure import Measured

ROWS, TARGET = 581_012, "Cover_Type"
SOURCE = "bq://p1.bench.covertype"
OURS, PANDAS = "prepare", "pandas"
_REPOSITORY = Path(__file__).resolve().parents[1]
_MB = 1e6

app = typer.Typer(add_completion=False)


class UnlikeError(RuntimeError):
    """The two ways did not write the same number of rows of each cover type."""


def read_frame(source: str) -> pd.DataFrame:
    """Read a table as pandas users do, with the same clients as ours."""
    from steps.google.bigquery.client import connect, read_client

    name = source.removeprefix("bq://")
    client = connect(name.split(".")[0])
    rows = client.list_rows(client.get_table(name))
    reader = read_client(client)
    if find_spec("db_dtypes"):
        return rows.to_dataframe(bqstorage_client=reader)
    frame: pd.DataFrame = rows.to_arrow(bqstorage_client=reader).to_pandas()
    return frame


@app.command()
def classic(
    *,
    source: Annotated[str, typer.Option(help="Table in BigQuery.")],
    output: Annotated[Path, typer.Option(help="Folder for the CSV files.")],
) -> None:
    """Write a CSV file of the features and a 0/1 label for each cover type with pandas."""
    import pandas as pd

    table = read_frame(source)
    dummies = pd.get_dummies(table[TARGET], dtype=int)
    features = table.drop(columns=TARGET)
    for cover_type in dummies.columns:
        path = output / f"cover_type_{cover_type}.csv"
        features.assign(label=dummies[cover_type]).to_csv(path, index=False)


def run_ours(folder: Path) -> Measured:
    """Prepare the seven datasets as the pipeline does."""
    from benchmarks import measure
    from steps import schema as schemas

    slugs = schemas.load(schemas.BUILTIN).slugs
    datasets = [f"--dataset={slug}={folder / slug}.parquet" for slug in slugs]
    command = [sys.executable, "-m", "steps.prepare", "--source", SOURCE, "--profile", str(folder / "profile.json")]
    return measure.run([*command, *datasets], _REPOSITORY)


def run_pandas(folder: Path) -> Measured:
    """Write the seven CSV files with pandas."""
    from benchmarks import measure

    command = [sys.executable, "-m", "benchmarks.bigquery_prepare", "classic", "--source", SOURCE]
    return measure.run([*command, "--output", str(folder)], _REPOSITORY)


def check(ours: Path, theirs: Path) -> None:
    """Raise UnlikeError unless both wrote all rows, and the same number of rows of each cover type."""
    import pandas as pd

    from steps import schema as schemas

    for cover_type in schemas.load(schemas.BUILTIN).cover_types:
        mine = pd.read_parquet(ours / f"{cover_type.slug}.parquet", columns=["label"])["label"]
        other = pd.read_csv(theirs / f"cover_type_{cover_type.label}.csv", usecols=["label"])["label"]
        if (len(mine), mine.sum()) != (len(other), other.sum()) or len(mine) != ROWS:
            raise UnlikeError(f"cover type {cover_type.label}: {len(mine)} and {len(other)} rows")


def bytes_in(folder: Path) -> int:
    """Return the size of all files in a folder."""
    return sum(path.stat().st_size for path in folder.iterdir())


def table_of(runs: Mapping[str, Sequence[Measured]], written: Mapping[str, int]) -> str:
    """Return the figures as a Markdown table of medians. The pandas way is last."""
    from benchmarks.against_classic import table

    seconds = {name: statistics.median(run.seconds for run in repeated) for name, repeated in runs.items()}
    peaks = {name: statistics.median(run.peak_bytes for run in repeated) for name, repeated in runs.items()}
    lines = [
        [
            name,
            f"{seconds[name]:.1f}",
            f"{min(run.seconds for run in repeated):.1f}–{max(run.seconds for run in repeated):.1f}",
            f"{ROWS / seconds[name]:,.0f}",
            f"{seconds[name] / seconds[PANDAS]:.3f}",
            f"{peaks[name] / _MB:.0f}",
            f"{peaks[name] / peaks[PANDAS]:.2f}",
            f"{statistics.median(run.cpu_seconds for run in repeated):.1f}",
            f"{statistics.median(run.other_cores for run in repeated):.2f}",
            f"{written[name] / _MB:.0f}",
        ]
        for name, repeated in runs.items()
    ]
    head = ["", "wall s", "range", "rows/s", "of pandas", "peak PSS MB", "of pandas", "CPU s"]
    return table([*head, "cores busy with others", "MB written"], lines)


@app.command()
def compare(*, repeat: Annotated[int, typer.Option(min=1, help="Number of runs of each way.")] = 1) -> None:
    """Load the table into the emulator, run both ways alternately, and print Markdown."""
    from steps import schema as schemas
    from steps.google.bigquery.load import load
    from tests.emulators import bigquery_server

    runs: dict[str, list[Measured]] = {OURS: [], PANDAS: []}
    written: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="bigquery-prepare-") as name, bigquery_server.running(Path(name)) as server:
        os.environ |= server.environment
        load(SOURCE, schemas.load(schemas.BUILTIN))
        for _ in range(repeat):
            with tempfile.TemporaryDirectory(dir=name) as first, tempfile.TemporaryDirectory(dir=name) as second:
                runs[OURS].append(run_ours(Path(first)))
                runs[PANDAS].append(run_pandas(Path(second)))
                check(Path(first), Path(second))
                written = {OURS: bytes_in(Path(first)), PANDAS: bytes_in(Path(second))}
    way = "to_dataframe()" if find_spec("db_dtypes") else "to_arrow().to_pandas()"
    print(f"{ROWS:,} rows; pandas by {way}; {repeat} times; {os.cpu_count()} cores.\n")
    print(table_of(runs, written))


if __name__ == "__main__":
    app()
