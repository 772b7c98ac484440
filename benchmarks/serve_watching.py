"""What explanations and the measurement of drift cost a server, in CPU time of one thread.

    python -m benchmarks.serve_watching runs/NAME/models

Drift is measured if the folder is that of a run or version with a profile.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from steps import schema as schemas
from steps.serving.drift import Drift
from steps.serving.formats import decoding
from steps.serving.monitoring.metrics import Metrics
from steps.serving.scoring import Scored, score_features
from steps.serving.versions import ServedModel, load_folder

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS, EXPLAINED = 10_000, 10


def milliseconds(action: Callable[[], object], turns: int = 5) -> float:
    """Return the least CPU time of some turns."""
    found = []
    for _ in range(turns):
        begun = time.process_time()
        action()
        found.append(time.process_time() - begun)
    return min(found) * 1000


def score(model: ServedModel) -> Scored:
    """Return the scores of rows of the built-in table."""
    table = pq.read_table(schemas.DATA / "covertype.parquet")
    rows = table.select([column.name for column in model.schema.columns]).take(list(range(0, len(table), 50))[:ROWS])
    batch = decoding.canonical_rows(model.schema, rows.combine_chunks().to_batches()[0])
    return score_features(model, model.ensemble.features(batch))


def explain(model: ServedModel, scored: Scored) -> None:
    """Print the time of an explanation for each model, and of all."""
    explainer, every = model.explainer, 0.0
    assert explainer is not None  # noqa: S101 - it was asked for
    for at, cover_type in enumerate(model.ensemble.cover_types):

        def explain_rows(at: int = at) -> None:
            for row in range(EXPLAINED):
                explainer.contributions(scored.features, at, row)

        spent = milliseconds(explain_rows, 1)
        every += spent / EXPLAINED
        print(f"explain {cover_type.slug:20} {spent / EXPLAINED:8.1f} ms a row")
    print(f"explain all                  {every:8.1f} ms a row")


async def watch(model: ServedModel, scored: Scored) -> None:
    """Print the time that drift takes for single rows, for a large request, and when the metrics are asked for."""
    metrics = Metrics()
    drift = Drift(metrics.drift)
    drift.watch(model)
    parts = [slice(at, at + 1) for at in range(ROWS)]
    single = [
        Scored(model, scored.scores[:, at], scored.best[at], scored.probability[at], [f[at] for f in scored.features])
        for at in parts
    ]

    def ask(requests: list[Scored]) -> None:
        for request in requests:
            drift.add(request)
        drift.flush()

    print(f"drift, single rows           {milliseconds(lambda: ask(single)) / ROWS * 1000:8.2f} us a request")
    print(f"drift, {ROWS:,} rows           {milliseconds(lambda: ask([scored] * 10)) / 10:8.2f} ms a request")
    print(f"metrics                      {milliseconds(metrics.text):8.1f} ms")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path)
    model = load_folder(parser.parse_args().models, "measured", EXPLAINED)
    scored = score(model)
    print(f"score, {ROWS:,} rows           {milliseconds(lambda: score_features(model, scored.features)):8.1f} ms")
    asyncio.run(watch(model, scored))
    explain(model, scored)


if __name__ == "__main__":
    main()
