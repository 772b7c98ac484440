"""Checks of a challenger beside the comparison of metrics: floors, slices, size and latency."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import norm

from steps.comparison import measures

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from steps.comparison.policy import Limits, Policy, Slices
    from steps.comparison.score_table import Slice, TestScores


@dataclass(frozen=True)
class Check:
    """A floor or limit of the policy, and whether a challenger keeps it.

    Attributes:
        kind: ``floor``, ``slice`` or ``limit``.
        name: What is checked.
        passed: Whether the challenger keeps it.
        value: The challenger's value; None if it is not known.
        limit: The value that the policy allows.
        champion: The champion's value; None if there is none.
        rows: The number of test rows of a part.
    """

    kind: str
    name: str
    passed: bool
    value: float | None
    limit: float
    champion: float | None = None
    rows: int | None = None

    @property
    def reason(self) -> str:
        """One clause for the log that states the check that failed."""
        value = "not measured" if self.value is None else f"{self.value:.6g}"
        beside = f", the champion's {self.champion:.6g}" if self.champion is not None else ""
        return f"{self.kind} of {self.name}: {value}{beside}, the limit is {self.limit:.6g}"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return asdict(self)


def check_floors(scores: TestScores, policy: Policy) -> Iterator[Check]:
    """Yield a check for each floor of the policy. A metric that is not defined fails."""
    keys = [(metric, slug) for metric in measures.OF_EACH_MODEL for slug in scores.slugs]
    floors = {
        (metric, slug): floor
        for metric, slug in [*keys, *((metric, None) for metric in measures.OF_ALL_MODELS)]
        if (floor := policy.floors.of(metric, slug)) is not None
    }
    measured = measures.measure(scores, tuple({metric for metric, _ in floors})) if floors else ()
    values = {(each.metric, each.cover_type): each.value for each in measured}  # not the influences, which are large
    for (metric, slug), floor in floors.items():
        value = values.get((metric, slug))
        lower_is_better = metric == measures.LOG_LOSS
        passed = value is not None and (value <= floor if lower_is_better else value >= floor)
        yield Check("floor", f"{metric} of {slug}" if slug else metric, passed, value, floor)


def check_slices(challenger: TestScores, champion: TestScores | None, policy: Slices) -> Iterator[Check]:
    """Yield a check for each part with enough rows: its accuracy, and its drop against the champion.

    A drop fails if it is larger than ``maximum_drop`` and statistically significant: one-sided normal test of the
    paired difference at 2.5%, divided by the number of parts (Bonferroni).

    Args:
        challenger: The scores of the challenger.
        champion: The scores of the champion for the same rows; None if there is none.
        policy: The limits.
    """
    if not challenger.complete:
        return
    right, before = challenger.find_right(), champion.find_right() if champion else None
    parts = parts_of(challenger.slices, policy.names)
    counts = {name: count for name, rows in parts if (count := int(np.count_nonzero(rows))) >= policy.minimum_rows}
    quantile = float(norm.ppf(1 - 0.025 / max(len(counts), 1)))
    for name, rows in parts_of(challenger.slices, policy.names):  # again, because all of them take much memory
        if name not in counts:
            continue
        value, count = float(right[rows].mean()), counts[name]
        if policy.minimum_accuracy is not None:
            passed = value >= policy.minimum_accuracy
            yield Check("slice", f"accuracy in {name}", passed, value, policy.minimum_accuracy, None, count)
        if before is not None:
            gains = right[rows].astype(np.float64) - before[rows]
            drop, error = -float(gains.mean()), float(gains.std()) / math.sqrt(count)
            dropped = drop > policy.maximum_drop and drop > quantile * error
            old = float(before[rows].mean())
            yield Check("slice", f"accuracy in {name}", not dropped, value, old - policy.maximum_drop, old, count)


def parts_of(slices: Mapping[str, Slice], names: Sequence[str]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield the name of each part of the test rows, and its rows (bool, shape (rows,)).

    Args:
        slices: The slices by name.
        names: The slices to divide by; empty for all.
    """
    for name, each in slices.items():
        if not names or name in names:
            yield from ((f"{name} {value}", each.codes == at) for at, value in enumerate(each.values))


def check_limits(
    own: Sequence[float | None], champion: Sequence[float | None] | None, limits: Limits
) -> Iterator[Check]:
    """Yield a check for each limit of size and time.

    Args:
        own: Size in bytes and seconds per row of the challenger; None if not measured.
        champion: The same of the champion; None if there is none.
        limits: The limits.
    """
    names = ("size_bytes", "seconds_per_row")
    ratios = (limits.size_ratio, limits.seconds_per_row_ratio)
    for at, (name, ratio) in enumerate(zip(names, ratios, strict=True)):
        value, limit = own[at], getattr(limits, name)
        if limit is not None:
            yield Check("limit", name, value is not None and value <= limit, value, limit)
        before = champion[at] if champion else None
        if ratio is not None and before is not None:
            passed = value is not None and value <= ratio * before
            yield Check("limit", name, passed, value, ratio * before, before)
