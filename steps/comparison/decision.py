"""The verdict about a challenger: better, not worse, undecided or worse than the champion."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steps.comparison.policy import Policy
    from steps.comparison.scores import TestScores


class Verdict(StrEnum):
    """What the test rows say about a challenger."""

    BETTER = "better"
    NOT_WORSE = "not worse"
    UNDECIDED = "undecided"
    WORSE = "worse"
    FIRST = "first"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True)
class Candidate:
    """A version with what the gate judges.

    Attributes:
        name: The name of the version.
        scores: Its scores on its test rows.
        size_bytes: The size of all bundles in bytes.
        seconds_per_row: The time to score a row; None if it was not measured.
    """

    name: str
    scores: TestScores
    size_bytes: int
    seconds_per_row: float | None = None


@dataclass(frozen=True)
class Decision:
    """A decision of the gate.

    Attributes:
        challenger: The name of the challenger.
        champion: The name of the champion; None if there was none.
        verdict: The verdict.
        promotes: Whether the challenger becomes champion: the verdict is one that the policy promotes, and no floor
            and no limit is violated.
        reason: One line for the log.
        details: All numbers: the comparison, the checks, the policy, and the uses of the test rows.
    """

    challenger: str
    champion: str | None
    verdict: Verdict
    promotes: bool
    reason: str
    details: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as plain JSON values."""
        raise NotImplementedError


def decide(challenger: Candidate, champion: Candidate | None, policy: Policy, *, uses: int = 0) -> Decision:
    """Decide whether a challenger becomes champion.

    Versions without common test rows, or with other cover types, are ``not comparable``; nothing is raised.

    Args:
        challenger: The new version.
        champion: The present champion; None if there is none.
        policy: The conditions.
        uses: How often these test rows (``test_rows_sha256``) were used for decisions before. It is reported.
    """
    raise NotImplementedError


def not_comparable(challenger: str, champion: str | None, why: str, policy: Policy) -> Decision:
    """Return the decision about versions that cannot be compared, such as a champion without test scores."""
    raise NotImplementedError
