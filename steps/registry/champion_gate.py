"""Decide whether a new version is good enough to become the champion of a registry."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Gate:
    """The conditions for a new champion.

    Attributes:
        tolerance: How much lower than the champion's the mean PR-AUC may be.
        class_tolerance: How much lower than the champion's the PR-AUC of each cover type may be.
    """

    tolerance: float = 0.0
    class_tolerance: float = 0.01


@dataclass(frozen=True)
class Verdict:
    """Whether an alias is moved to a new version, and why."""

    passes: bool
    reason: str


def compare_with_champion(new: Mapping[str, Any], champion: Mapping[str, Any] | None, gate: Gate) -> Verdict:
    """Compare a new version with the champion by PR-AUC on the same test rows.

    A new version passes if there is no champion. It does not pass if the two were evaluated on different rows.

    Args:
        new: The lineage of the new version (see ``steps.registry.registration``).
        champion: The lineage of the champion; None if there is none.
        gate: The conditions.
    """
    if champion is None:
        return Verdict(True, "there was no champion")
    if reason := _not_comparable(new, champion):
        return Verdict(False, f"not comparable, {reason}")
    ours, theirs = _pr_auc(new), _pr_auc(champion)
    mean, other = fmean(ours.values()), fmean(theirs.values())
    line = f"mean PR-AUC {mean:.4f}, the champion's {other:.4f}"
    if mean < other - gate.tolerance:
        return Verdict(False, line)
    worse = [slug for slug in ours if ours[slug] < theirs[slug] - gate.class_tolerance]
    if worse:
        slug = max(worse, key=lambda each: theirs[each] - ours[each])
        return Verdict(False, f"PR-AUC of {slug} {ours[slug]:.4f}, the champion's {theirs[slug]:.4f}")
    return Verdict(True, line)


def _pr_auc(lineage: Mapping[str, Any]) -> dict[str, float]:
    return {slug: facts["pr_auc"] for slug, facts in lineage["cover_types"].items()}


def _not_comparable(new: Mapping[str, Any], champion: Mapping[str, Any]) -> str:
    """Return why two versions were not evaluated on the same test rows, an empty string if they were.

    The test rows depend on the data, the seed and the fractions. The fractions are compared by the numbers of rows.
    """
    if new["data_sha256"] != champion["data_sha256"]:
        return "the champion was measured on other data"
    ours, theirs = new["cover_types"], champion["cover_types"]
    if ours.keys() != theirs.keys():
        return "the champion has other cover types"
    for slug in ours:
        if ours[slug]["seed"] != theirs[slug]["seed"]:
            return f"the seed is {ours[slug]['seed']}, the champion's {theirs[slug]['seed']}"
        if any(ours[slug][fact] != theirs[slug][fact] for fact in ("rows", "support")):
            return "the champion was measured on another split"
        if ours[slug]["pr_auc"] is None or theirs[slug]["pr_auc"] is None:
            return f"the PR-AUC of {slug} is not defined"
    return ""
