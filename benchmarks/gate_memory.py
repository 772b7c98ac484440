"""Measure the peak memory of the gate on synthetic test rows.

    python -m benchmarks.gate_memory --rows 1000000 --rows 3000000

For each number of rows: ``assemble`` makes ``test-scores.parquet`` from the scores of seven models, as ``register``
does. ``decide`` reads the file of a challenger and that of a champion, and decides. Each runs in a process of its own.
The peak is that above the memory of the process before it reads anything. Equal digests of the result at two
revisions show that they agree. Prints Markdown.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

# The bytes of a row in memory: row, group and truth (8 each), seven scores (4 each), two slices (2 each).
BYTES_OF_A_ROW = 56
SLICES = {"Wilderness_Area": ("Rawah", "Neota", "Comanche", "Cache"), "Climatic_Zone": tuple("2345678")}
PHASES = ("assemble", "decide")


def write_run(folder: Path, rows: int, skill: float) -> None:
    """Write the bundles and the scores of seven models."""
    import numpy as np
    import pyarrow as pa
    import xgboost

    from steps import schema as schemas
    from steps import tables
    from steps.models import bundle
    from steps.models.features import FeatureTransformer

    schema = schemas.load(schemas.BUILTIN)
    folder.mkdir()
    few = np.random.default_rng(0).random((50, 2), np.float32)
    matrix = xgboost.QuantileDMatrix(few, label=few[:, 0] > few[:, 1])
    booster = xgboost.train({"nthread": 1, "max_depth": 1}, matrix, 1)
    bundle.write_preprocessor(folder / "p.skops", FeatureTransformer(["a"], {}, []))
    random, own = np.random.default_rng(7), np.random.default_rng(int(skill * 10))
    truth = random.choice(7, rows, p=[0.36, 0.49, 0.06, 0.01, 0.02, 0.03, 0.03])
    codes = {name: random.integers(0, len(values), rows).astype(np.int16) for name, values in SLICES.items()}
    hashes = random.integers(0, 10 * rows, rows).astype(np.uint64)  # every tenth row is equal to another one
    for at, slug in enumerate(schema.slugs):
        facts = {"cover_type": slug, "label": at + 1, "threshold": 0.4, "features": ["a"], "seed": 0}
        bundle.write(
            folder / slug, folder / "p.skops", booster, {**facts, "schema": schema.to_json(), "data_sha256": "d" * 64}
        )
        labels = truth == at
        logits = (2 * labels - 1) * skill + own.normal(0, 1.2, rows)
        columns = {
            tables.ROW: pa.array(np.arange(rows) * 5),
            tables.LABEL: pa.array(labels.astype(np.uint8)),
            tables.SCORE: pa.array((1 / (1 + np.exp(-logits))).astype(np.float32)),
            tables.GROUP: pa.array(hashes),
            **{
                name: pa.DictionaryArray.from_arrays(pa.array(each), pa.array(SLICES[name]))
                for name, each in codes.items()
            },
        }
        batch = pa.RecordBatch.from_pydict(columns)
        with tables.open_writer(
            folder / f"{slug}.scores", batch.schema, tables.Metadata(schema, slug, "d" * 64)
        ) as writer:
            for start in range(0, rows, tables.BATCH_ROWS):
                writer.write(batch.slice(start, tables.BATCH_ROWS))


def run_phase(phase: str, folder: Path) -> None:
    """Run one phase in this process, and print peak memory in bytes, seconds and a digest of the result as JSON."""
    from scipy.stats import norm  # noqa: F401 - imported before the baseline is measured

    from steps.comparison import decision, policy, scores
    from steps.core.quantities import peak_rss_bytes
    from steps.models import multiclass  # noqa: F401

    slugs = sorted(path.stem for path in (folder / "a").glob("*.scores"))
    before, start = peak_rss_bytes(), time.process_time()
    if phase == "assemble":
        for name in ("a", "b"):
            models = {slug: folder / name / slug for slug in slugs}
            found = scores.assemble_test_scores(models, {slug: folder / name / f"{slug}.scores" for slug in slugs})
            scores.write_test_scores(folder / f"{name}.parquet", found)
            del found
        result = (folder / "a.parquet").read_bytes()
    else:
        versions = [decision.Candidate(name, scores.read_test_scores(folder / f"{name}.parquet"), 1) for name in "ba"]
        conditions = policy.Policy(floors=policy.Floors(accuracy=0.1, f1=0.1, pr_auc=0.1))
        result = json.dumps(decision.decide(versions[0], versions[1], conditions).to_dict()).encode()
    seconds, peak = time.process_time() - start, peak_rss_bytes() - before
    print(json.dumps([peak, seconds, hashlib.sha256(result).hexdigest()[:12]]))


def main(
    rows: Annotated[list[int] | None, typer.Option(help="Numbers of test rows.")] = None,
    phase: Annotated[str, typer.Option(hidden=True)] = "",
    folder: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Measure the peak memory of the gate."""
    if phase and folder:
        run_phase(phase, folder)
        return
    print("| test rows | phase | peak MB | times the columns of both versions | CPU s | digest |")
    print("|---|---|---|---|---|---|")
    for count in rows or [1_000_000]:
        with tempfile.TemporaryDirectory() as name:
            for run, skill in (("a", 2.0), ("b", 2.1)):
                write_run(Path(name) / run, count, skill)
            for each in PHASES:
                command = [sys.executable, "-m", "benchmarks.gate_memory", "--phase", each, "--folder", name]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                peak, seconds, digest = json.loads(done.stdout)
                ratio = peak / (2 * BYTES_OF_A_ROW * count)
                print(f"| {count:,} | {each} | {peak / 1e6:.0f} | {ratio:.1f} | {seconds:.1f} | {digest} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
