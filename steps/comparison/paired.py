"""Differences between two versions on the same test rows, with intervals that allow for the number of metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steps.comparison.scores import TestScores

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """A metric of two versions, and the difference, positive where the challenger is better.

    Attributes:
        metric: ``f1``, ``pr_auc``, ``accuracy``, ``macro_f1`` or ``log_loss``.
        cover_type: The slug of the cover type; None for a metric of all models together.
        challenger: The value of the challenger; None if it is not defined.
        champion: The value of the champion.
        gain: Challenger minus champion, or champion minus challenger for a log loss.
        low: The lower end of the 95% interval of the gain.
        high: The upper end.
        family_low: The lower end of the interval that holds for all metrics at once with 95%.
        family_high: The upper end.
        positive: The number of positive rows; None for a metric of all models together.
    """

    metric: str
    cover_type: str | None
    challenger: float | None
    champion: float | None
    gain: float | None
    low: float | None
    high: float | None
    family_low: float | None
    family_high: float | None
    positive: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        raise NotImplementedError


@dataclass(frozen=True)
class Comparison:
    """The differences of all metrics on the common test rows."""

    rows: int
    groups: int
    method: str
    differences: tuple[Difference, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers as plain JSON values."""
        raise NotImplementedError


def compare(
    challenger: TestScores, champion: TestScores, *, confidence: float = CONFIDENCE, seed: int = 0
) -> Comparison:
    """Compare two versions on their common test rows; arguments as for ``scores.common_rows``.

    Raises:
        NoCommonRowsError: There is no common test row.
    """
    raise NotImplementedError
