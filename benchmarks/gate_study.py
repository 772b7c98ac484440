"""Simulate challengers of known quality and count the verdicts of the gate.

    python -m benchmarks.gate_study --first RUN --second RUN --better RUN

The scores are real: those of two runs whose settings differ in nothing that matters, and of a run whose model of
one cover type is better. They have the same test rows, which are the population of the simulation:

    run --preset fast
    run --preset fast --set train.reg-lambda=0.31
    run --preset default

Each simulated pair draws as many test rows from this population with replacement. With a probability of one half for
each row, challenger and champion exchange all their scores of the first two runs. The two are then equal: each metric
has exactly the same expectation for both. Thresholds and calibrations are those of the first run.

For a true difference, the challenger's score of one cover type comes from the third run, on a random share of the rows.
The share is the one that raises the F1 in the population by the wanted difference. Logits of the third run are shifted
so that its threshold becomes that of the first. All other scores stay those of equal models.

With ``--on TABLE`` the runs may be of different data, and the population is the rows of this reference table that
none of them was fitted on:

    run --preset fast --rows 20000
    run --preset fast --rows 20000 --set train.reg-lambda=0.31
    run --preset fast --rows 60000
    python -m benchmarks.gate_study --first RUN --second RUN --better RUN --on builtin: --rows 23000

``rows`` below the number of test rows draws fewer, as a smaller table has. ``better`` for equal models is an error.
``power`` of "better" is the share of the pairs with a true difference that have this verdict.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from scipy.special import expit

from benchmarks.against_classic import table
from steps.bundles import folder as bundle
from steps.comparison import measures, paired
from steps.comparison.decision import Verdict, judge
from steps.comparison.policy import Policy, read_policy
from steps.comparison.scores import assemble_test_scores
from steps.models import intervals, metrics
from steps.reference.table import open_table
from workflows.runs.compared import read_run as read_run_side
from workflows.runs.referenced import files_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from steps.comparison.scores import TestScores

VERDICTS = (Verdict.BETTER, Verdict.NOT_WORSE, Verdict.UNDECIDED, Verdict.WORSE)


@dataclass(frozen=True)
class Population:
    """The scores of two equal runs, and those of a better model of one cover type (float32, shape (rows,))."""

    first: TestScores
    second: TestScores
    cover_type: str
    better: NDArray[np.float32]


def read_run(folder: Path) -> TestScores:
    """Return the test scores of a run on this machine."""
    slugs = sorted(path.name for path in (folder / "models").iterdir() if path.is_dir())
    models = {slug: folder / "models" / slug for slug in slugs}
    return assemble_test_scores(models, {slug: folder / f"nodes/{slug}-evaluate/out/scores/scores" for slug in slugs})


def read_runs_on(table: str, folders: Sequence[Path]) -> list[TestScores]:
    """Return the scores of runs on the rows of a reference table that none of them was fitted on."""
    sides = [read_run_side(folder.parent, folder.name) for folder in folders]
    schema = bundle.schema_of(next(iter(sides[0].models.values())))
    with open_table(table, schema) as reference:
        found = reference.score([files_of(side, None, folder) for side, folder in zip(sides, folders, strict=True)], 1)
    print(f"{found.use.describe()}\n")
    return list(found.scores)


def make_population(first: TestScores, second: TestScores, better: TestScores, cover_type: str) -> Population:
    """Return a population with the thresholds and calibrations of ``first``."""
    aligned = np.stack(
        [
            shift(values, old, new)
            for values, old, new in zip(second.scores, second.thresholds, first.thresholds, strict=True)
        ]
    )
    at = first.slugs.index(cover_type)
    second = replace(second, scores=aligned, thresholds=first.thresholds, calibrations=first.calibrations)
    return Population(first, second, cover_type, shift(better.scores[at], better.thresholds[at], first.thresholds[at]))


def shift(scores: NDArray[np.float32], old: float, new: float) -> NDArray[np.float32]:
    """Return scores with shifted logits, so that the threshold ``old`` becomes ``new``."""
    by = metrics.to_logits(np.array([new], np.float32)) - metrics.to_logits(np.array([old], np.float32))
    shifted = expit(metrics.to_logits(scores) + by).astype(np.float32)
    # Rounding must not change a decision.
    above = scores >= old
    low, high = np.float32(new), np.nextafter(np.float32(new), np.float32(0))
    low = low if low >= new else np.nextafter(low, np.float32(1))
    high = high if high < new else np.nextafter(high, np.float32(0))
    return np.asarray(np.where(above, np.maximum(shifted, low), np.minimum(shifted, high)), np.float32)


def share_for(population: Population, difference: float) -> float:
    """Return the share of rows with the better score that raises the F1 in the population by ``difference``.

    Raises:
        ValueError: The better model does not raise it by so much.
    """
    at = population.first.slugs.index(population.cover_type)
    threshold, positive = population.first.thresholds[at], population.first.truth == at
    equal = [each.scores[at] >= threshold for each in (population.first, population.second)]
    hits = [np.mean([np.sum(one & positive) for one in equal]), np.sum((population.better >= threshold) & positive)]
    sizes = [np.mean([np.sum(one) for one in equal]), np.sum(population.better >= threshold)]

    def f1(share: float) -> float:
        hit, size = ((1 - share) * values[0] + share * values[1] for values in (hits, sizes))
        return float(2 * hit / (size + positive.sum()))

    low, high = 0.0, 1.0
    if f1(high) - f1(low) < difference:
        raise ValueError(f"the better model raises the F1 by {f1(high) - f1(low):.4f} only")
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if f1(middle) - f1(0) < difference else (low, middle)
    return high


def draw(population: Population, rows: int, share: float, random: np.random.Generator) -> tuple[TestScores, TestScores]:
    """Return the scores of a challenger and of a champion for a new sample of test rows."""
    index = random.integers(0, len(population.first.rows), rows)
    first, second = (each.scores[:, index] for each in (population.first, population.second))
    swapped = random.integers(0, 2, rows) == 1
    challenger, champion = np.where(swapped, second, first), np.where(swapped, first, second)
    at = population.first.slugs.index(population.cover_type)
    improved = random.random(rows) < share
    challenger[at, improved] = population.better[index[improved]]
    numbers = np.arange(rows)
    common = replace(population.first, rows=numbers, groups=numbers, truth=population.first.truth[index], slices={})
    return replace(common, scores=challenger), replace(common, scores=champion)


@dataclass(frozen=True)
class Design:
    """The simulation of ``pairs`` pairs on ``rows`` test rows, a ``share`` of which has the better score."""

    pairs: int
    rows: int
    share: float
    seed: int


def simulate(population: Population, policy: Policy, design: Design) -> list[str]:
    """Return the verdict about each challenger, with the metric that explains it."""
    random = np.random.default_rng(design.seed)
    found = []
    for number in range(design.pairs):
        challenger, champion = draw(population, design.rows, design.share, random)
        comparison = paired.compare(challenger, champion, confidence=policy.confidence, seed=number)
        judged = judge(comparison, policy)
        found.append(f"{judged.verdict} {judged.main.name if judged.main else ''}")
    return found


def rates(found: Sequence[str]) -> list[str]:
    """Return the share of each verdict with its 95% Wilson interval."""
    counts = [sum(each.startswith(verdict) for each in found) for verdict in VERDICTS]
    estimates = [intervals.wilson(count, len(found)) for count in counts]
    return [f"{one.value:.1%} ({one.low:.1%} to {one.high:.1%})" for one in estimates]


def compare_methods(population: Population, rows: int, seed: int) -> list[list[str]]:
    """Return the length of each 95% interval by the bootstrap and by the influences, for one pair."""
    challenger, champion = draw(population, rows, 0.0, np.random.default_rng(seed))
    kept, body, found = (paired.MOST_RESAMPLED, paired.MOST_RESAMPLED_WITH_FEW), [], []
    for most in (rows, 0):
        paired.MOST_RESAMPLED = paired.MOST_RESAMPLED_WITH_FEW = most
        found.append(paired.compare(challenger, champion).differences)
    paired.MOST_RESAMPLED, paired.MOST_RESAMPLED_WITH_FEW = kept
    for one, other in zip(*found, strict=True):
        lengths = [each.high - each.low for each in (one, other)]
        body.append([one.name, *(f"{each:.4f}" for each in lengths), f"{lengths[1] / max(lengths[0], 1e-12):.2f}"])
    return body


def main(  # noqa: PLR0913 - one argument an option
    *,
    first: Annotated[Path, typer.Option(help="Folder of a run.")],
    second: Annotated[Path, typer.Option(help="Folder of a run with almost the same settings.")],
    better: Annotated[Path, typer.Option(help="Folder of a run with a better model of the cover type.")],
    cover_type: Annotated[str, typer.Option(help="The cover type with a true difference.")] = "lodgepole-pine",
    difference: Annotated[list[float] | None, typer.Option(help="True differences of its F1; 0 and .005.")] = None,
    rows: Annotated[list[int] | None, typer.Option(help="Test rows; all by default.")] = None,
    pairs: Annotated[int, typer.Option(min=1, help="Simulated pairs.")] = 200,
    policy: Annotated[Path | None, typer.Option(help="Policy file; the default one if not given.")] = None,
    methods: Annotated[int, typer.Option(help="Compare the two methods on so many rows instead.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulation.")] = 0,
    on: Annotated[str, typer.Option(help="Reference table; the test rows of the runs without it.")] = "",
) -> None:
    """Simulate pairs and print Markdown."""
    folders = (first, second, better)
    one, other, improved = read_runs_on(on, folders) if on else map(read_run, folders)
    population = make_population(one, other, improved, cover_type)
    if methods:
        print(table(["metric", "bootstrap", "influence", "ratio"], compare_methods(population, methods, seed)))
        return
    equal = [f"{each.name} {each.value:.4f}" for each in _values(population.first)]
    print(f"{pairs} pairs for each line; {', '.join(equal)}.\n")
    body, main_metrics = [], []
    for count in rows or (len(population.first.rows),):
        for wanted in difference or (0.0, 0.005):
            begun, share = time.monotonic(), share_for(population, wanted)
            found = simulate(population, read_policy(policy), Design(pairs, count, share, seed))
            seconds = (time.monotonic() - begun) / pairs
            body.append([f"{count:,}", f"{wanted:g}", f"{share:.3f}", *rates(found), f"{seconds:.2f}"])
            main_metrics.append(f"{count:,} rows, {wanted:g}: {dict(Counter(found).most_common(4))}")
    print(table(["test rows", "true difference", "share", *VERDICTS, "s a pair"], body))
    print("\n" + "\n".join(main_metrics))


class _Value:
    def __init__(self, measure: measures.Measure) -> None:
        self.name, self.value = f"{measure.metric} {measure.cover_type or ''}".strip(), measure.value


def _values(scores: TestScores) -> list[_Value]:
    return [_Value(each) for each in measures.measure(scores)]


if __name__ == "__main__":
    typer.run(main)
