"""Compare the pipeline with the classic way: wall clock, peak memory, and F1 on the same test rows.

    python -m benchmarks.against_classic --presets fast,default --repeat 3

Both sides read the same table, hold out the same rows, and run alternately in one session with empty caches. It prints
Markdown.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pandas as pd
import typer

from benchmarks import paired, sides

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.paired import Comparison
    from benchmarks.sides import Run

CLASSIC = "classic"
_MB = 1e6


class UnlikeError(RuntimeError):
    """The two sides were not evaluated on the same rows and labels."""


def write_sample(source: Path, target: Path, rows: int, seed: int) -> Path:
    """Write ``rows`` random rows of a table to ``target`` and return it; the table itself for 0 rows."""
    if not rows:
        return source
    pd.read_parquet(source).sample(rows, random_state=seed).reset_index(drop=True).to_parquet(target)
    return target


def run_both(presets: Sequence[str], source: Path, folder: Path, seed: int) -> dict[str, Run]:
    """Run the pipeline with each preset, then the classic way on the rows that the first held out."""
    runs = {}
    for preset in presets:
        print(f"running preset {preset}", file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=folder) as output:
            runs[preset] = sides.run_ours(preset, source, Path(output), seed)
    test_rows = next(iter(runs[presets[0]].decisions.values())).rows
    print("running the classic way", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=folder) as output:
        runs[CLASSIC] = sides.run_classic(source, test_rows, Path(output))
    return runs


def compare(ours: Run, theirs: Run) -> dict[str, Comparison]:
    """Return the comparison of each cover type by its label; UnlikeError if rows or labels differ."""
    if ours.decisions.keys() != theirs.decisions.keys():
        raise UnlikeError(f"cover types {sorted(ours.decisions)} and {sorted(theirs.decisions)}")
    found = {}
    for label, mine in ours.decisions.items():
        other = theirs.decisions[label]
        if not np.array_equal(mine.rows, other.rows):
            raise UnlikeError(f"the test rows of cover type {label} differ")
        if not np.array_equal(mine.labels, other.labels):
            raise UnlikeError(f"the labels of cover type {label} differ")
        found[label] = paired.compare(paired.outcome_counts(mine.labels, mine.predicted, other.predicted))
    return found


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cost_table(runs: Mapping[str, Sequence[Run]]) -> str:
    """Return a table of time and memory, as medians of the repetitions. The classic way is last."""
    seconds = {name: statistics.median(run.measured.seconds for run in repeated) for name, repeated in runs.items()}
    peaks = {name: statistics.median(run.measured.peak_bytes for run in repeated) for name, repeated in runs.items()}
    rows = [
        [
            name,
            f"{seconds[name]:.1f}",
            f"{min(run.measured.seconds for run in repeated):.1f}–{max(run.measured.seconds for run in repeated):.1f}",
            f"{seconds[name] / seconds[CLASSIC]:.3f}",
            f"{peaks[name] / _MB:.0f}",
            f"{peaks[name] / peaks[CLASSIC]:.2f}",
            f"{statistics.median(run.measured.cpu_seconds for run in repeated):.1f}",
            f"{statistics.median(run.measured.other_cores for run in repeated):.2f}",
        ]
        for name, repeated in runs.items()
    ]
    head = ["", "wall s", "range", "of classic", "peak PSS MB", "of classic", "CPU s", "cores busy with others"]
    return table(head, rows)


def quality_table(preset: str, comparisons: Mapping[str, Comparison]) -> str:
    """Return the table of F1 of both sides by cover type."""
    head = ["cover type", "positive rows", f"F1 {preset}", "F1 classic", "difference", "95% interval, paired"]
    return table(
        head,
        [
            [
                label,
                str(found.positive),
                f"{found.first:.4f}",
                f"{found.second:.4f}",
                f"{found.difference:+.4f}",
                f"{found.low:+.4f} to {found.high:+.4f}",
            ]
            for label, found in comparisons.items()
        ],
    )


def step_table(preset: str, run: Run) -> str:
    """Return a table of the time of each step of a run, without the start of its process and its imports."""
    total = sum(sum(seconds) for seconds in run.step_seconds.values())
    rows = [
        [step, str(len(seconds)), f"{sum(seconds):.2f}", f"{sum(seconds) / total:.3f}", f"{max(seconds):.2f}"]
        for step, seconds in run.step_seconds.items()
    ]
    return table([f"step of {preset}", "times", "wall s in all", "share", "longest s"], rows)


def main(
    *,
    rows: Annotated[int, typer.Option(min=0, help="Size of a random sample, 0 for the whole table.")] = 0,
    presets: Annotated[str, typer.Option(help="Presets, separated by commas.")] = "fast,default",
    repeat: Annotated[int, typer.Option(min=1, help="How often each side runs.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the pipeline and of the sample.")] = 0,
) -> None:
    """Compare the pipeline with the classic way and print Markdown."""
    chosen = presets.split(",")
    repeated: dict[str, list[Run]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="against-classic-") as name:
        folder = Path(name)
        source = write_sample(sides.REPOSITORY / "steps/data/covertype.parquet", folder / "sample.parquet", rows, seed)
        for _ in range(repeat):
            for side, run in run_both(chosen, source, folder, seed).items():
                repeated[side].append(run)
    last = {side: runs[-1] for side, runs in repeated.items()}
    comparisons = {preset: compare(last[preset], last[CLASSIC]) for preset in chosen}
    count = len(next(iter(last[CLASSIC].decisions.values())).rows)
    print(f"{rows or 'All'} rows, {count} of them test rows; seed {seed}; {repeat} times; {os.cpu_count()} cores.\n")
    print(cost_table(repeated))
    for preset, found in comparisons.items():
        print("\n" + quality_table(preset, found) + "\n\n" + step_table(preset, last[preset]))


if __name__ == "__main__":
    typer.run(main)
