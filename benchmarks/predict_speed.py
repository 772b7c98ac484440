"""Compare the time that the forest takes for the scores of all models of a run with XGBoost and Treelite.

    python workflows/covertype.py run --preset default --output runs
    python -m benchmarks.predict_speed runs/covertype-... --minutes 5

The sides are ``xgboost``, which is ``Booster.inplace_predict`` of each model; ``classifier``, which is
``XGBClassifier.predict_proba`` of each model on a DataFrame; ``treelite``, which is GTIL of each model, if Treelite is
installed (``pip install treelite``); and the forest: as it is opened here, with the scalar kernels of other
processors, and with some of its ideas left out. All use one core and the test rows of the run, take turns, and the
fastest call of each counts, because other programs use the machine. A ratio above 1 is faster than ``xgboost``. The
output is Markdown.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import llvmlite.binding as llvm
import numpy as np
import pandas as pd
import typer
import xgboost

from steps import tables
from steps.bundles import to_array
from steps.forest import kernels, packing, trees, walk_ir
from steps.forest.boosters import Boosters
from steps.forest.scoring import Forest

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Side = Callable[[NDArray[np.float32]], Any]

SIZES = (1, 10, 100, 1000, 20_000, 100_000)
# A size is measured at least this often, and new rows are used each time.
LEAST_CALLS = 3


def sides(run: Path, features: list[str]) -> dict[str, Side]:
    """Return what computes the scores of all models, by name."""
    paths = sorted(run.glob("models/*/model.ubj"))
    models = [(str(path), path.read_bytes()) for path in paths]
    found = {"xgboost": Boosters(models).scores, "classifier": _classifiers(paths, features)}
    if (treelite := _treelite(paths)) is not None:
        found["treelite"] = treelite
    read = trees.read(models)
    return found | {
        "forest": Forest(packing.pack(read)).scores,
        "scalar": _variant(read, gathers=False),
        "1 vector": _variant(read, vectors=1),
        "8 bytes": _variant(read, form=packing.WIDE),
    }


def _classifiers(paths: list[Path], features: list[str]) -> Side:
    models = [xgboost.XGBClassifier(n_jobs=1) for _ in paths]
    for model, path in zip(models, paths, strict=True):
        model.load_model(path)

    def predict(rows: NDArray[np.float32]) -> list[Any]:
        table = pd.DataFrame(rows, columns=features)
        return [model.predict_proba(table) for model in models]

    return predict


def _treelite(paths: list[Path]) -> Side | None:
    try:
        import treelite
    except ImportError:
        return None
    models = [treelite.frontend.load_xgboost_model(path, format_choice="ubjson") for path in paths]
    return lambda rows: [treelite.gtil.predict(model, rows, nthread=1) for model in models]


def _variant(
    read: trees.Trees, *, gathers: bool = True, vectors: int = 4, form: packing.WordFormat = packing.NARROW
) -> Side:
    """Return the forest with other kernels or nodes than it would have here."""
    features, formats, usual = llvm.get_host_cpu_features().flatten(), packing.FORMATS, walk_ir.VECTORS
    packing.FORMATS, walk_ir.VECTORS = (form,), vectors
    try:
        packed_trees = packing.pack(read)
        made = kernels.compile_for(form, llvm.get_host_cpu_name(), features, gathers=gathers)
    finally:
        packing.FORMATS, walk_ir.VECTORS = formats, usual
    forest = Forest(packed_trees)
    forest.kernels = kernels.BoundKernels(packed_trees, made)
    return forest.scores


def measure(compared: dict[str, Side], rows: NDArray[np.float32], size: int, seconds: float) -> dict[str, float]:
    """Return the seconds of the fastest call of each side for ``size`` rows, all within about ``seconds``."""
    best, end, start = dict.fromkeys(compared, float("inf")), time.monotonic() + seconds, 0
    calls = 0
    while calls < LEAST_CALLS or time.monotonic() < end:
        start = (start + size) % max(1, len(rows) - size)
        for name, predict in compared.items():
            part = rows[start : start + size]
            before = time.perf_counter()
            predict(part)
            best[name] = min(best[name], time.perf_counter() - before)
        calls += 1
    return best


def main(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    minutes: Annotated[float, typer.Option(help="Time for each number of rows, in minutes.")] = 0.5,
) -> None:
    """Print a table of the times and ratios by number of rows."""
    path = next(iter(sorted(run.glob("nodes/*-preprocess/out/test-features/*"))))
    features = list(tables.read_metadata(path).features)
    rows = to_array(tables.read_table(path, features), features)
    compared = sides(run, features)
    expected = compared["xgboost"](rows[:2000])
    for name in ("forest", "scalar", "1 vector", "8 bytes"):
        assert np.array_equal(compared[name](rows[:2000]), expected), name  # noqa: S101 - times of wrong scores
    others = [name for name in compared if name != "xgboost"]
    print(f"| rows | xgboost ms | forest ms | forest rows/s | {' | '.join(f'{name}, ratio' for name in others)} |")
    print("|---" * (4 + len(others)) + "|")
    for size in SIZES:
        best = measure(compared, rows, size, 60 * minutes)
        ratios = " | ".join(f"{best['xgboost'] / best[name]:.2f}" for name in others)
        first, forest = best["xgboost"], best["forest"]
        print(f"| {size:,} | {1e3 * first:.2f} | {1e3 * forest:.3f} | {size / forest:,.0f} | {ratios} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
