"""The verdict about a challenger: better, not worse, undecided or worse than the champion.

| verdict | what the test rows show |
|---|---|
| better | every metric is not worse, and at least one is higher: its interval for all metrics at once is above 0 |
| not worse | every metric is not worse: its own interval is above minus its margin |
| worse | a metric is lower: its interval for all metrics at once is below 0, and it is not "not worse" |
| undecided | none of these: the rows are too few to tell |

The metrics are those of ``measures``, fixed before anything is seen. "Better" may come from any of them, so it needs
the interval that holds for all at once: of equal versions at most 2.5% are called better. "Not worse" needs every
metric, so each can be tested at its own 2.5% (an intersection-union test: R. Berger (1982), Technometrics 24).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from steps.comparison import checks, paired
from steps.comparison.score_table import NoCommonRowsError, TestScores, common_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steps.comparison.checks import Check
    from steps.comparison.paired import Comparison, Difference
    from steps.comparison.policy import Policy


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
        size_bytes: The size of all bundles in bytes; None if it is not known.
        seconds_per_row: The time to score a row; None if it was not measured.
    """

    name: str
    scores: TestScores
    size_bytes: int | None = None
    seconds_per_row: float | None = None


@dataclass(frozen=True)
class Judged:
    """A verdict by the metrics, with the difference that explains it (None if nothing differs)."""

    verdict: Verdict
    main: Difference | None


@dataclass(frozen=True)
class Decision:
    """A decision of the gate.

    Attributes:
        challenger: The name of the challenger.
        champion: The name of the champion; None if there was none.
        verdict: The verdict.
        promotes: Whether the challenger becomes champion: the policy promotes this verdict (a first version always),
            and no floor and no limit is violated.
        reason: One line for the log.
        details: All numbers: ``comparison``, ``checks``, ``policy``, and ``uses`` of the test rows.
    """

    challenger: str
    champion: str | None
    verdict: Verdict
    promotes: bool
    reason: str
    details: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as plain JSON values."""
        return {**asdict(self), "verdict": self.verdict.value}


def decide(
    challenger: Candidate, champion: Candidate | None, policy: Policy, *, uses: int = 0, rows_name: str = "test rows"
) -> Decision:
    """Decide whether a challenger becomes champion.

    Versions without common test rows, or with other cover types, are ``not comparable``; nothing is raised.

    Args:
        challenger: The new version.
        champion: The present champion; None if there is none.
        policy: The conditions.
        uses: How often these test rows (``test_rows_sha256``) were used for decisions before. It is reported only.
        rows_name: What the reason calls these rows.

    Raises:
        BadConfigurationError: The policy has a cover type or a slice that the challenger does not have.
    """
    policy.check_names(challenger.scores.slugs, challenger.scores.slices)
    if champion is None:
        return _conclude(challenger, None, Judged(Verdict.FIRST, None), None, policy, uses, rows_name)
    if challenger.scores.slugs != champion.scores.slugs:
        return not_comparable(challenger.name, champion.name, "the champion has other cover types", policy, uses=uses)
    try:
        found = paired.compare(challenger.scores, champion.scores, confidence=policy.confidence)
    except NoCommonRowsError as error:
        return not_comparable(challenger.name, champion.name, str(error), policy, uses=uses)
    return _conclude(challenger, champion, judge(found, policy), found, policy, uses, rows_name)


def not_comparable(challenger: str, champion: str | None, why: str, policy: Policy, *, uses: int = 0) -> Decision:
    """Return the decision about versions that cannot be compared, such as a champion without test scores."""
    details: dict[str, Any] = {"comparison": None, "checks": [], "policy": policy.to_dict(), "uses": uses}
    return Decision(challenger, champion, Verdict.NOT_COMPARABLE, False, f"not comparable: {why}", details)


def judge(comparison: Comparison, policy: Policy) -> Judged:
    """Return the verdict by the metrics alone, see the table of this module."""
    differences = comparison.differences
    doubtful = [each for each in differences if not _is_not_worse(each, policy)]
    lower = [each for each in doubtful if each.family_high < 0]
    higher = [
        each
        for each in differences
        if each.family_low > 0 and (each.positive is None or each.positive >= policy.minimum_positive)
    ]
    if lower:
        return Judged(Verdict.WORSE, min(lower, key=_strength))
    if doubtful or not differences:
        return Judged(Verdict.UNDECIDED, min(doubtful, key=_strength, default=None))
    if higher:
        return Judged(Verdict.BETTER, max(higher, key=_strength))
    return Judged(Verdict.NOT_WORSE, min(differences, key=_strength))


def _is_not_worse(each: Difference, policy: Policy) -> bool:
    return each.low >= -policy.margins.of(each.metric, each.cover_type, each.positive)


def _strength(each: Difference) -> float:
    """Return the gain in units of half the length of its interval."""
    return each.gain / max((each.high - each.low) / 2, 1e-12)


def _conclude(  # noqa: PLR0913, PLR0917 - what a decision is made of
    challenger: Candidate,
    champion: Candidate | None,
    judged: Judged,
    comparison: Comparison | None,
    policy: Policy,
    uses: int,
    rows_name: str,
) -> Decision:
    done = list(_checks(challenger, champion, policy))
    failed = [check for check in done if not check.passed]
    wanted = judged.verdict is Verdict.FIRST or judged.verdict.value in policy.promote
    details = {
        "comparison": comparison.to_dict() if comparison else None,
        "checks": [check.to_dict() for check in done],
        "policy": policy.to_dict(),
        "uses": uses,
    }
    reason = _reason(judged, failed, comparison, rows_name)
    name = champion.name if champion else None
    return Decision(challenger.name, name, judged.verdict, wanted and not failed, reason, details)


def _checks(challenger: Candidate, champion: Candidate | None, policy: Policy) -> list[Check]:
    own = (challenger.size_bytes, challenger.seconds_per_row)
    ours, theirs = common_rows(challenger.scores, champion.scores) if champion else (challenger.scores, None)
    others = (champion.size_bytes, champion.seconds_per_row) if champion else None
    return [
        *checks.check_floors(challenger.scores, policy),
        *checks.check_slices(ours, theirs, policy.slices),
        *checks.check_limits(own, others, policy.limits),
    ]


def _reason(judged: Judged, failed: Sequence[Check], comparison: Comparison | None, rows_name: str) -> str:
    if judged.verdict is Verdict.FIRST:
        reason = "there was no champion"
    elif judged.main is None or comparison is None:
        reason = f"{judged.verdict}: no metric is defined"
    else:
        each = judged.main
        one = judged.verdict in (Verdict.NOT_WORSE, Verdict.UNDECIDED)
        low, high = (each.low, each.high) if one else (each.family_low, each.family_high)
        numbers = f"{each.challenger:.4f}, the champion's {each.champion:.4f}"
        gain = f"gain {each.gain:+.4f} ({low:+.4f} to {high:+.4f}) on {comparison.rows:,} {rows_name}"
        reason = f"{judged.verdict}: {each.name} {numbers}, {gain}"
    return f"{reason}; refused by {failed[0].reason}" if failed else reason
