"""Simulate searches and count how often each rule finds that the best trial is better than the preset.

    python -m benchmarks.search_false_positives                  # equal models: every gain found is a false positive
    python -m benchmarks.search_false_positives --spread 0.1     # trials that are better and worse: the power

A model scores a row with its label times ``separation``, plus noise that all models share, plus noise of its own; the
share of the common noise is ``correlation``. The preset is one of the trials. With ``spread`` the separation of the
other trials varies with that standard deviation, and ``quality`` is how much larger that of the best trial is.

| rule | chooses on | tests on |
|---|---|---|
| same rows | all validation rows | the same rows: the rule of earlier versions |
| held-out half | half of the validation rows | the other half: the rule of ``tune`` |
| held-out quarter | three quarters | the last quarter |
| largest gain | all validation rows | the same, with the interval of the largest gain of all trials (max statistic) |
| test rows | all validation rows | as many test rows as the split gives, 5 for each 4 validation rows |

All rules use a paired bootstrap of the average precision, one-sided at 2.5%.

``tune`` uses the held-out half, because it is valid whatever the search does on the other half, and has nearly the
power of the largest gain. The largest gain is valid for trials that were fixed before, but the sampler, the pruner and
early stopping choose trials by the rows of the test. It also needs the scores of all trials, which a resumed search
does not have, and which take 3.5 GB for 9 million validation rows and 100 trials. The test rows have the most power,
but they would need a second model in every evaluation, and they would no longer be used for the headline metrics only.
A quarter has less power, and its choice is hardly better. Measured with 1000 rows:

| | same rows | held-out half | held-out quarter | largest gain | test rows |
|---|---|---|---|---|---|
| equal models, 2 trials | 2.0% | 1.2% | | | |
| equal models, 10 trials | 13.7% | 2.7% | | | |
| equal models, 40 trials | 28.8% | 2.1% | | | |
| equal models, 100 trials | 38.5% | 2.4% | | | |
| ``--spread 0.1``, 20 trials | 79.5% | 33.0% | 22.5% | 38.5% | 70.5% |
| ``--spread 0.2``, 20 trials | 97.0% | 80.0% | 63.5% | 87.0% | 96.0% |
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
import typer

from benchmarks.against_classic import table
from steps.models import intervals, metrics
from steps.options.tune import Objective
from steps.search import gain, holdout
from steps.search.holdout import Halves, Parts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Labels = NDArray[np.uint8]
    Scores = NDArray[np.float32]

# Test rows for each validation row, as split makes them.
_TEST_SHARE = 0.20 / 0.16


@dataclass(frozen=True)
class Design:
    """The simulation: ``searches`` searches of ``trials`` trials on ``rows`` validation rows."""

    rows: int = 2000
    trials: int = 40
    searches: int = 1000
    positive: float = 0.1
    correlation: float = 0.9
    separation: float = 2.0
    spread: float = 0.0
    seed: int = 0


class Drawn(NamedTuple):
    """A search's labels (validation and test rows), the scores of its trials, shape (trials, rows), and qualities."""

    labels: Parts
    scores: list[Parts]
    qualities: NDArray[np.float64]


class Search(NamedTuple):
    """Whether a rule found that the best trial is better than the preset, and how much better it truly is."""

    found: bool
    quality: float


def draw(design: Design, random: np.random.Generator) -> Drawn:
    """Draw the rows and the trials of one search; the preset comes first and has quality 0."""
    rows = design.rows + round(design.rows * _TEST_SHARE)
    labels = (random.random(rows) < design.positive).astype(np.uint8)
    common = np.sqrt(design.correlation) * random.standard_normal(rows)
    qualities = design.spread * random.standard_normal(design.trials)
    qualities[0] = 0
    own = np.sqrt(1 - design.correlation)
    scores = [
        ((design.separation + quality) * labels + common + own * random.standard_normal(rows)).astype(np.float32)
        for quality in qualities
    ]
    halves = Halves(labels, np.arange(rows) < design.rows)
    return Drawn(halves.parts(labels), [halves.parts(each) for each in scores], qualities)


def best_of(labels: Labels, scores: Sequence[Scores]) -> int:
    """Return the position of the trial with the highest average precision, the first of equals."""
    return int(np.argmax([metrics.average_precision(labels, each) for each in scores]))


def judge(labels: Labels, preset: Scores, best: Scores, seed: int) -> bool:
    """Return whether the best trial is significantly better on these rows."""
    truth, first, second = (Parts(values, values) for values in (labels, preset, best))
    return gain.compare(truth, first, second, Objective.PR_AUC, seed).significant


def same_rows(drawn: Drawn, seed: int) -> tuple[bool, int]:
    """Choose and test on all validation rows."""
    labels, scores = drawn.labels.selection, [each.selection for each in drawn.scores]
    best = best_of(labels, scores)
    return judge(labels, scores[0], scores[best], seed), best


def test_rows(drawn: Drawn, seed: int) -> tuple[bool, int]:
    """Choose on all validation rows and test on the test rows."""
    best = best_of(drawn.labels.selection, [each.selection for each in drawn.scores])
    return judge(drawn.labels.held_out, drawn.scores[0].held_out, drawn.scores[best].held_out, seed), best


def _held_out(drawn: Drawn, seed: int, *, quarter: bool) -> tuple[bool, int]:
    labels = drawn.labels.selection
    hashes = np.random.default_rng(seed).integers(0, 1 << 63, len(labels), np.uint64)
    selection = holdout.mask_lower_half(hashes, labels)
    if quarter:
        selection[~selection] = holdout.mask_lower_half(hashes[~selection], labels[~selection])
    halves = Halves(labels, selection)
    scores = [halves.parts(each.selection) for each in drawn.scores]
    parts = halves.parts(labels)
    best = best_of(parts.selection, [each.selection for each in scores])
    return gain.compare(parts, scores[0], scores[best], Objective.PR_AUC, seed).significant, best


def held_out_half(drawn: Drawn, seed: int) -> tuple[bool, int]:
    """Choose on half of the validation rows and test on the other half, as ``tune`` does."""
    return _held_out(drawn, seed, quarter=False)


def held_out_quarter(drawn: Drawn, seed: int) -> tuple[bool, int]:
    """Choose on three quarters of the validation rows and test on the last quarter."""
    return _held_out(drawn, seed, quarter=True)


def largest_gain(drawn: Drawn, seed: int) -> tuple[bool, int]:
    """Choose and test on all validation rows, and correct for the number of trials.

    Source of the max statistic: Westfall, Young (1993), "Resampling-based multiple testing", chapter 2.
    """
    labels, scores = drawn.labels.selection, [each.selection for each in drawn.scores]
    values = np.array([metrics.average_precision(labels, each) for each in scores])
    gains = values - values[0]
    weights = np.concatenate(list(gain.resample_weights(len(labels), seed)))
    sampled = np.array([metrics.WeightedRanking(labels, each).average_precision(weights) for each in scores])
    largest = (sampled - sampled[0] - gains[:, np.newaxis])[1:].max(axis=0)
    best = int(np.argmax(values))
    return bool(gains[best] > np.percentile(largest, 97.5)), best


RULES: dict[str, Callable[[Drawn, int], tuple[bool, int]]] = {
    "same rows": same_rows,
    "held-out half": held_out_half,
    "held-out quarter": held_out_quarter,
    "largest gain": largest_gain,
    "test rows": test_rows,
}


def simulate(design: Design, rules: Sequence[str] = tuple(RULES)) -> dict[str, list[Search]]:
    """Return what each rule found in each search; all rules see the same searches."""
    random = np.random.default_rng(design.seed)
    searches: dict[str, list[Search]] = {rule: [] for rule in rules}
    for number in range(design.searches):
        drawn = draw(design, random)
        for rule in rules:
            found, best = RULES[rule](drawn, number)
            searches[rule].append(Search(found, float(drawn.qualities[best])))
    return searches


def line(trials: int, rule: str, searches: Sequence[Search]) -> list[str]:
    """Return a row of the table: rates with their 95% Wilson intervals, and the mean quality of the best trials."""
    found = intervals.wilson(sum(search.found for search in searches), len(searches))
    wrong = intervals.wilson(sum(search.found and search.quality <= 0 for search in searches), len(searches))
    rates = [f"{each.value:.1%} ({each.low:.1%} to {each.high:.1%})" for each in (found, wrong)]
    return [str(trials), rule, *rates, f"{np.mean([search.quality for search in searches]):+.3f}"]


def main(  # noqa: PLR0913 - one argument an option
    *,
    searches: Annotated[int, typer.Option(min=1, help="Searches for each number of trials.")] = 1000,
    rows: Annotated[int, typer.Option(min=40, help="Validation rows.")] = 2000,
    trials: Annotated[list[int] | None, typer.Option(min=2, help="Trials of a search; 2, 10, 40 and 100.")] = None,
    positive: Annotated[float, typer.Option(help="Share of the positive rows.")] = 0.1,
    correlation: Annotated[float, typer.Option(min=0, max=1, help="Share of the noise that models share.")] = 0.9,
    spread: Annotated[float, typer.Option(min=0, help="Standard deviation of the trials' quality.")] = 0.0,
    rule: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(RULES)}; all by default.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulation.")] = 0,
) -> None:
    """Simulate searches and print Markdown."""
    design = Design(rows=rows, searches=searches, positive=positive, correlation=correlation, spread=spread, seed=seed)
    body = []
    for count in trials or (2, 10, 40, 100):
        for name, done in simulate(replace(design, trials=count), rule or tuple(RULES)).items():
            body.append(line(count, name, done))
    print(f"{searches} searches, {rows} rows, {positive:g} positive, correlation {correlation:g}, spread {spread:g}.\n")
    print(table(["trials", "rule", "gain found", "found, but none there", "mean quality"], body))


if __name__ == "__main__":
    typer.run(main)
