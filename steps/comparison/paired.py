"""Differences between two versions on the same test rows, with intervals for one metric and for all metrics at once.

Both versions are measured on the same resampled rows, so that rows that are hard for both cancel out. Equal feature
rows are one group, and groups are resampled (a cluster bootstrap).

| groups | resamples | intervals of one metric |
|---|---|---|
| few, see ``_is_resampled`` | drawn with replacement, metrics computed again | percentile bootstrap |
| more | of the influences: normal, with their covariance over the groups | normal, the limit of the bootstrap |

The second way costs one sort for each model, whatever the number of resamples: seven models on 116,174 test rows take
half a second. ``benchmarks/gate_study.py --methods ROWS`` compares the two.

The intervals for all metrics at once (``family_low``, ``family_high``) hold together with 95%: each is the gain plus
and minus the same multiple of its standard error, the 95% quantile of the largest absolute studentised deviation over
all metrics (single-step max-T: P. Westfall, S. Young (1993), "Resampling-based multiple testing", chapter 2). It allows
for the number of metrics and for their correlation.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from steps.comparison import measures
from steps.comparison.score_table import common_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from steps.comparison.measures import Measure
    from steps.comparison.score_table import TestScores

    Floats = NDArray[np.float64]

CONFIDENCE = 0.95
RESAMPLES = 2000
# Draws of the normal distribution; they cost nothing, and steady the quantile of the largest deviation.
_NORMAL_DRAWS = 20_000
# The largest number of groups that are drawn with replacement in any case, and if a cover type has few positive ones.
# With 20 of them, the normal interval of a PR-AUC was 40% too short; with 50 or more, normal intervals were right.
MOST_RESAMPLED = 2_000
MOST_RESAMPLED_WITH_FEW = 10_000
FEW_POSITIVE = 50
# The largest number of groups whose influences are kept; with more, several groups are added up at random.
_MOST_SUMS = 1 << 17
# The largest number of weights in memory, 8 bytes each.
_BLOCK = 2_000_000


@dataclass(frozen=True)
class Difference:
    """A metric of two versions, and the gain, which is positive where the challenger is better.

    Attributes:
        metric: ``f1``, ``pr_auc``, ``accuracy``, ``macro_f1`` or ``log_loss``.
        cover_type: The slug of the cover type; None for a metric of all models.
        challenger: The value of the challenger.
        champion: The value of the champion.
        gain: Challenger minus champion, or champion minus challenger for the log loss.
        low: The lower end of the 95% interval of the gain.
        high: The upper end.
        family_low: The lower end of the interval that holds for all metrics at once with 95%.
        family_high: The upper end.
        positive: The number of positive rows; None for a metric of all models.
    """

    metric: str
    cover_type: str | None
    challenger: float
    champion: float
    gain: float
    low: float
    high: float
    family_low: float
    family_high: float
    positive: int | None = None

    @property
    def name(self) -> str:
        """The metric with its cover type, for messages."""
        return f"{self.metric} of {self.cover_type}" if self.cover_type else self.metric

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """The differences of all metrics on the common test rows.

    Attributes:
        rows: The number of common test rows.
        groups: The number of groups of equal rows among them.
        method: ``bootstrap`` or ``influence``, the first or the second line of the table above.
        multiple: The multiple of the standard error in the intervals for all metrics.
        differences: The differences, in the order of ``measures.measure``.
    """

    rows: int
    groups: int
    method: str
    multiple: float
    differences: tuple[Difference, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers as plain JSON values."""
        return {**asdict(self), "differences": [each.to_dict() for each in self.differences]}


class _Gain(NamedTuple):
    """A metric of both versions, and the influence of each group on the gain, shape (sums,)."""

    challenger: Measure
    champion: Measure
    sign: int
    sums: Floats


def compare(
    challenger: TestScores, champion: TestScores, *, confidence: float = CONFIDENCE, seed: int = 0
) -> Comparison:
    """Compare two versions on their common test rows.

    Args:
        challenger: The scores of the new version.
        champion: The scores of the version to compare with.
        confidence: The confidence of all intervals.
        seed: The seed of the resampling.

    Raises:
        NoCommonRowsError: There is no common test row.
        BadDataError: A row has two cover types.
    """
    ours, theirs = common_rows(challenger, champion)
    members, groups = _number_groups(ours.groups)
    random = np.random.default_rng(seed)
    bootstrap = _is_resampled(ours, members, groups)
    method = "bootstrap" if bootstrap else "influence"
    if groups > _MOST_SUMS:  # then there is no bootstrap, which needs the groups themselves
        members = random.integers(0, _MOST_SUMS, groups)[members]
    gains = list(_gains(ours, theirs, members, keep=bootstrap))
    if not gains:  # one model, and no common test row is of its cover type
        return Comparison(len(ours.rows), groups, method, 0.0, ())
    deviations = _resample(gains, members, groups, random) if bootstrap else _draw_normal(gains, random)
    multiple, ends = _intervals(deviations, confidence)
    return Comparison(
        len(ours.rows),
        groups,
        method,
        multiple,
        tuple(_describe(gain, *end) for gain, end in zip(gains, ends, strict=True)),
    )


def _number_groups(groups: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return the number of each row's group, from 0 in the order of the groups, and how many groups there are.

    ``np.unique`` with ``return_inverse`` takes twice the memory.
    """
    distinct = np.unique(groups)
    return np.searchsorted(distinct, groups), len(distinct)


def _is_resampled(scores: TestScores, members: NDArray[np.int64], groups: int) -> bool:
    """Return whether groups are drawn with replacement, because they are too few for normal intervals."""
    if groups > MOST_RESAMPLED_WITH_FEW:
        return False
    positive = [len(np.unique(members[scores.truth == at])) for at in range(len(scores.slugs))]
    few = any(0 < count < FEW_POSITIVE for count in positive)
    return groups <= (MOST_RESAMPLED_WITH_FEW if few else MOST_RESAMPLED)


def _gains(ours: TestScores, theirs: TestScores, sums: NDArray[np.int64], *, keep: bool) -> Iterator[_Gain]:
    """Yield the metrics of both versions; the influences of rows are kept for resampling only."""
    for first, second in zip(measures.measure(ours), measures.measure(theirs), strict=True):
        sign = -1 if first.metric == measures.LOG_LOSS else 1
        difference = first.influence - second.influence
        difference *= sign
        influence = np.bincount(sums, difference).astype(np.float64)
        one, other = (first, second) if keep else (_light(first), _light(second))
        del first, second, difference  # they would stay in memory beside the next ones
        yield _Gain(one, other, sign, influence)


def _light(measure: Measure) -> Measure:
    """Return a measure without what holds its rows."""
    none = np.empty(0)
    return measures.Measure(
        measure.metric, measure.cover_type, measure.positive, measure.value, none, lambda _weights: none
    )


def _resample(gains: Sequence[_Gain], members: NDArray[np.int64], groups: int, random: np.random.Generator) -> Floats:
    """Return the deviation of each gain in each bootstrap sample (float64, shape (samples, metrics))."""
    size = max(1, _BLOCK // len(members))
    blocks = []
    for start in range(0, RESAMPLES, size):
        count = min(size, RESAMPLES - start)
        drawn = random.integers(0, groups, (count, groups)) + np.arange(count)[:, np.newaxis] * groups
        weights = np.bincount(drawn.ravel(), minlength=count * groups).reshape(count, groups)[:, members].astype(float)
        columns = [
            gain.sign * (gain.challenger.weighted(weights) - gain.champion.weighted(weights)) - _value(gain)
            for gain in gains
        ]
        blocks.append(np.stack(columns, axis=1))
    return np.concatenate(blocks)


def _draw_normal(gains: Sequence[_Gain], random: np.random.Generator) -> Floats:
    """Return deviations drawn from the normal distribution with the covariance of the gains."""
    influences = np.stack([gain.sums for gain in gains])
    values, vectors = np.linalg.eigh(influences @ influences.T)
    factor = vectors * np.sqrt(np.clip(values, 0, None))
    return np.asarray(random.standard_normal((_NORMAL_DRAWS, len(gains))) @ factor.T)


def _intervals(deviations: Floats, confidence: float) -> tuple[float, list[tuple[float, float, float, float]]]:
    """Return the multiple of the standard error for all metrics, and the ends of each interval relative to the gain."""
    errors = deviations.std(axis=0)
    studentised = np.abs(deviations - deviations.mean(axis=0))[:, errors > 0] / errors[errors > 0]
    multiple = float(np.quantile(studentised.max(axis=1), confidence)) if studentised.shape[1] else 0.0
    low, high = np.quantile(deviations, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    columns = zip(low, high, -multiple * errors, multiple * errors, strict=True)
    return multiple, [tuple(float(end) for end in ends) for ends in columns]  # type: ignore[misc]


def _value(gain: _Gain) -> float:
    return gain.sign * (gain.challenger.value - gain.champion.value)


def _describe(gain: _Gain, low: float, high: float, family_low: float, family_high: float) -> Difference:
    value = _value(gain)
    return Difference(
        metric=gain.challenger.metric,
        cover_type=gain.challenger.cover_type,
        challenger=gain.challenger.value,
        champion=gain.champion.value,
        gain=value,
        low=value + low,
        high=value + high,
        family_low=value + family_low,
        family_high=value + family_high,
        positive=gain.challenger.positive,
    )
