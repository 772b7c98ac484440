"""Compare searches of equal time by their trials per minute and by the PR-AUC of their best points on test rows.

    python -m benchmarks.tune_speed --seconds 600 --threads 2

The sides are ``ours``, which is ``tune``; ``random``, which draws points uniformly on the same matrices, does not
prune, and starts with the first preset only; and ``cross-validation``, which is Optuna as in its tutorials, with an
``XGBClassifier`` and ``cross_val_score``. All search the same space on the same rows, one after the other. The best
point of each side is then trained on the training rows and evaluated on the test rows, which no search has used. A
sampler that learns chooses points with longer trials, so the time is also measured for the same points: the first ones
of ``random``. The output is Markdown.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import optuna
import typer
import xgboost
from sklearn.model_selection import cross_val_score

from benchmarks.against_classic import table
from steps import prepare, tables
from steps import schema as schemas
from steps.bundles import to_array
from steps.datasets import splitting
from steps.datasets.one_vs_rest import Options
from steps.models import intervals, matrix, preprocessing, presets, training
from steps.options.shared import Preset
from steps.options.train import Hyperparameters
from steps.options.tune import Pruner, Sampler
from steps.search import search, space_file
from steps.search.sampler import suggest_values
from steps.search.study import COMPLETE
from steps.search.trials import Job

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PRESET = Preset.DEFAULT
START = Hyperparameters(**presets.load(PRESET).parameters)
ALL_TRIALS = 1_000_000


@dataclass(frozen=True)
class Found:
    """Result of a side: number of trials and of completed trials, wall time, and best point."""

    trials: int
    complete: int
    seconds: float
    best: Hyperparameters


def prepared(folder: Path, cover_type: str, rows: int, seed: int) -> dict[str, Path]:
    """Return the feature tables of a cover type: train, validation and test."""
    dataset = {cover_type: folder / "dataset.parquet"}
    prepare.prepare("builtin:", schemas.load(schemas.BUILTIN), dataset, Options(rows=rows))
    parts = {part: folder / f"{part}.parquet" for part in tables.SPLITS}
    splitting.split_dataset(dataset[cover_type], parts, seed=seed, fractions=(0.64, 0.16, 0.20))
    features = {part: folder / f"{part}-features.parquet" for part in tables.SPLITS}
    preprocessing.preprocess(parts, features, presets.load(PRESET).feature_set)
    return features


def job(features: Mapping[str, Path], threads: int, seed: int) -> Job:
    """Return the search of ``tune``."""
    points = [
        (preset.value, Hyperparameters(**presets.load(preset).parameters)) for preset in Preset if preset != PRESET
    ]
    return Job(features=features, start=START, space=space_file.read(), seed=seed, threads=threads, points=points)


def at_random(of: Job, pruner: Pruner) -> Job:
    """Return the same search with uniformly drawn points, and only the first known point."""
    return replace(of, sampler=Sampler.RANDOM, pruner=pruner, points=())


def ours(of: Job, limits: search.Limits) -> tuple[Found, list[dict[str, Any]]]:
    """Run a search of the project; return what it found and its table's trials."""
    clock = time.perf_counter()
    result, found = search.search(of, limits)
    states = [trial["state"] for trial in found["trials"]]
    best = Hyperparameters(**result["parameters"])
    return Found(len(states), states.count(COMPLETE), time.perf_counter() - clock, best), found["trials"]


class CrossValidation:
    """A search with Optuna as in its tutorials, on the training rows."""

    def __init__(self, of: Job, folds: int) -> None:
        names = tables.read_metadata(of.features["train"]).features
        rows = tables.read_table(of.features["train"], [*names, tables.LABEL])
        self._values, self._labels = to_array(rows, names), rows.column(tables.LABEL).to_numpy()
        self._job, self._folds = of, folds

    def score(self, point: Hyperparameters) -> float:
        """Return the mean PR-AUC of the folds."""
        settings = {"n_estimators": point.rounds, "n_jobs": self._job.threads, "random_state": self._job.seed}
        model = xgboost.XGBClassifier(**settings, **point.for_xgboost())
        scores = cross_val_score(model, self._values, self._labels, cv=self._folds, scoring="average_precision")
        return float(np.mean(scores))

    def search(self, seconds: float) -> Found:
        """Search for so many seconds."""
        space = self._job.space
        study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=self._job.seed))
        clock = time.perf_counter()
        study.optimize(lambda trial: self.score(space.apply(START, suggest_values(trial, space))), timeout=seconds)
        taken = time.perf_counter() - clock
        return Found(len(study.trials), len(study.trials), taken, space.apply(START, study.best_params))

    def seconds_of(self, trials: Sequence[Mapping[str, Any]]) -> float:
        """Return the wall time of scoring the points of these trials."""
        clock = time.perf_counter()
        for trial in trials:
            self.score(Hyperparameters(**trial["parameters"]))
        return time.perf_counter() - clock


def pace(of: Job, classic: CrossValidation, count: int) -> str:
    """Return a table of the time that each side takes for the same points."""
    whole, trials = ours(at_random(of, Pruner.NONE), search.Limits(count))
    pruned, _ = ours(at_random(of, Pruner.MEDIAN), search.Limits(count))
    theirs = classic.seconds_of(trials)
    rows = [
        [name, f"{seconds:.1f}", f"{count / seconds * 60:.1f}", f"{theirs / seconds:.1f}"]
        for name, seconds in (
            ("ours", pruned.seconds),
            ("ours without pruning", whole.seconds),
            ("cross-validation", theirs),
        )
    ]
    return table([f"the same {count} points", "wall s", "trials a minute", "times cross-validation's pace"], rows)


def judge(best: Hyperparameters, features: Mapping[str, Path], threads: int, seed: int) -> intervals.Estimate:
    """Train at a point and return the PR-AUC on the test rows with its 95% interval."""
    first = matrix.quantise(features["train"], max_bin=best.max_bin, threads=threads)
    test = matrix.quantise(features["test"], max_bin=best.max_bin, threads=threads, reference=first)
    booster = training.refit(first, best, seed=seed, threads=threads)
    return intervals.pr_auc(test.get_label().astype("u1"), booster.predict(test))


def line(name: str, found: Found | None, score: intervals.Estimate) -> list[str]:
    """Return the row of a side in the table. A preset has no trials."""
    counts = [""] * 4
    if found:
        per_minute = found.trials / found.seconds * 60
        counts = [str(found.trials), str(found.complete), f"{found.seconds:.0f}", f"{per_minute:.1f}"]
    return [name, *counts, f"{score.value:.4f} ({score.low:.4f} to {score.high:.4f})"]


def main(  # noqa: PLR0913 - one argument an option
    *,
    seconds: Annotated[float, typer.Option(min=1, help="Seconds after which no side starts another trial.")] = 600,
    rows: Annotated[int, typer.Option(min=0, help="Size of a proportional sample, 0 for the whole table.")] = 0,
    cover_type: Annotated[str, typer.Option(help="The cover type's slug.")] = "lodgepole-pine",
    threads: Annotated[int, typer.Option(min=1, help="Threads of every side.")] = 2,
    folds: Annotated[int, typer.Option(min=2, help="Folds of the cross-validation.")] = 5,
    same_points: Annotated[int, typer.Option(min=1, help="Points that each side is timed on.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Seed of split, search and training.")] = 0,
) -> None:
    """Compare searches of equal time and print Markdown."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="tune-speed-") as name:
        of = job(prepared(Path(name), cover_type, rows, seed), threads, seed)
        classic, limits = CrossValidation(of, folds), search.Limits(ALL_TRIALS, seconds)
        found = {
            "ours": ours(of, limits)[0],
            "random": ours(at_random(of, Pruner.NONE), limits)[0],
            "cross-validation": classic.search(seconds),
        }
        points = {side: each.best for side, each in found.items()} | {f"preset {PRESET.value}": START}
        scores = {side: judge(best, of.features, threads, seed) for side, best in points.items()}
        same = pace(of, classic, same_points)
    head = ["", "trials", "to their end", "wall s", "trials a minute", "PR-AUC on test rows (95% interval)"]
    body = [line(side, found.get(side), score) for side, score in scores.items()]
    print(
        f"{cover_type}, {rows or 'all'} rows, seed {seed}, {threads} threads, {os.cpu_count()} cores, {folds} folds.\n"
    )
    print(table(head, body) + "\n\n" + same)


if __name__ == "__main__":
    typer.run(main)
