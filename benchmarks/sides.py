"""The two sides of the comparison: how each one runs, and its predictions for the test rows."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks import classic, measure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from benchmarks.measure import Measured

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Decisions:
    """The predictions of a side for the test rows of one cover type: three arrays of shape (rows,)."""

    rows: NDArray[np.int64]
    labels: NDArray[np.bool_]
    predicted: NDArray[np.bool_]


@dataclass(frozen=True)
class Run:
    """A measured run of a side: predictions by label, and wall time in seconds by step, if it has steps."""

    measured: Measured
    decisions: Mapping[str, Decisions]
    step_seconds: Mapping[str, list[float]]


def run_ours(preset: str, source: Path, folder: Path, seed: int) -> Run:
    """Run the pipeline from an empty cache."""
    script = [sys.executable, "workflows/covertype.py", "run", "--json", "--no-cache"]
    options = ["--preset", preset, "--source", str(source), "--seed", str(seed), "--output", str(folder)]
    measured = measure.run([*script, *options], REPOSITORY)
    result = json.loads(measured.output)
    nodes = Path(result["directory"]) / "nodes"
    decisions = {
        str(entry["label"]): _ours(scores_file(nodes, slug), entry["threshold"])
        for slug, entry in result["cover_types"].items()
    }
    return Run(measured, decisions, _step_seconds(nodes))


def scores_file(nodes: Path, slug: str) -> Path:
    """Return the path of the scored test rows of a cover type."""
    return nodes / f"{slug}-evaluate" / "out" / "scores" / "scores"


def run_classic(source: Path, test_rows: NDArray[np.int64], folder: Path) -> Run:
    """Run the classic way with the given rows held out."""
    given = folder / "test-rows.parquet"
    pd.DataFrame({"row": test_rows}).to_parquet(given)
    command = [sys.executable, "-m", "benchmarks.classic", "--source", str(source), "--test-rows", str(given)]
    measured = measure.run([*command, "--output", str(folder)], REPOSITORY)
    labels = json.loads((folder / classic.RESULT).read_text())["cover_types"]
    return Run(measured, {label: _classic(folder / f"scores_{label}.parquet") for label in labels}, {})


def _ours(path: Path, threshold: float) -> Decisions:
    scored = pd.read_parquet(path)
    return _decisions(scored, scored["score"].to_numpy().astype(np.float64) >= threshold)


def _classic(path: Path) -> Decisions:
    scored = pd.read_parquet(path)
    return _decisions(scored, scored["predicted"].to_numpy() == 1)


def _decisions(scored: pd.DataFrame, predicted: NDArray[np.bool_]) -> Decisions:
    """Sort the rows, so that both sides have them in the same order."""
    order = np.argsort(scored["row"].to_numpy())
    return Decisions(scored["row"].to_numpy()[order], scored["label"].to_numpy()[order] == 1, predicted[order])


def _step_seconds(nodes: Path) -> dict[str, list[float]]:
    """Return the wall clock of each node of a run by the name of its step, in the order of first start."""
    documents: list[dict[str, Any]] = [json.loads(path.read_text()) for path in nodes.glob("*/out/usage/usage")]
    found: dict[str, list[float]] = {}
    for document in sorted(documents, key=lambda entry: float(entry["started"])):
        found.setdefault(document["step"], []).append(document["wall_seconds"])
    return found
