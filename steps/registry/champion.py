"""The champion of a registry: judge a version, promote it, and roll back to the champion before."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from steps.comparison import decision as gate
from steps.core.errors import BadDataError, NoInputError, UsageError
from steps.registry import decisions
from steps.registry.aliases import CHAMPION, Alias, AliasMove, Choice, change_alias
from steps.registry.decisions import REGISTER, ROLLBACK
from steps.registry.judging import candidates
from steps.registry.succession import last_champion, restore_champion
from steps.registry.versions import read_version

if TYPE_CHECKING:
    from steps.comparison.decision import Decision
    from steps.comparison.policy import Policy
    from steps.comparison.reference import ReferenceTable, ReferenceUse
    from steps.registry.decisions import StoredDecision
    from steps.registry.destinations import Destination
    from steps.registry.manifest import Manifest

SCORES = candidates.SCORES
# The verdict of a rollback, and of a registration again after one, which no test rows decide.
NO_VERDICT = "none"


@dataclass(frozen=True)
class Request:
    """A wish to make a version the champion.

    Attributes:
        version: The version.
        policy: The conditions of the gate.
        action: ``register`` or ``promote``.
        forced: Why it becomes champion whatever the gate decides; empty if the gate decides.
        scores: The test scores of the version on this machine; None to fetch them from the registry.
        reference: The table whose rows decide; None for the test rows that the versions have in common.
    """

    version: str
    policy: Policy
    action: str = REGISTER
    forced: str = ""
    scores: Path | None = None
    reference: ReferenceTable | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of the champion: the move of the alias, and the decision; None if the version was champion."""

    move: AliasMove
    decision: StoredDecision | None


def promote(registry: Destination, request: Request) -> Outcome:
    """Make a version the champion, if the gate or a reason to force it allows that.

    The decision is stored before the alias is moved. If another version becomes champion in between, the version is
    judged again, against that one. An alias that is missing is restored first, see ``succession``.

    Raises:
        NoInputError: There is no such version.
        BadDataError: The version, the alias or an earlier decision is damaged.
        TransientError: The service failed, or others kept moving the alias.
    """
    manifest = read_version(registry, request.version)
    restore_champion(registry)
    stored: list[StoredDecision] = []

    def choose(present: Alias | None) -> Choice:
        if present and present.version == request.version:
            return Choice(present.version, "unchanged", present.decision)
        champion = present.version if present else None
        decision = _decide(registry, request, manifest, champion)
        stored.append(decision)
        if not decision.document["promotes"]:
            return Choice(None, decision.document["reason"], decision.path)
        earlier = (*present.earlier, present.version) if present else ()
        return Choice(request.version, decision.document["reason"], decision.path, earlier)

    move = change_alias(registry, CHAMPION, choose)
    return Outcome(move, stored[-1] if stored else None)


def rollback(registry: Destination, reason: str = "") -> Outcome:
    """Make the champion before the present one the champion again. Several rollbacks walk back.

    Args:
        registry: The registry.
        reason: Why; it is stored.

    Raises:
        NoInputError: There is no champion, or the one before is no longer in the registry.
        UsageError: There was no other champion before.
        BadDataError: The alias, or the manifest of the version before, is damaged.
    """
    stored: list[StoredDecision] = []

    def choose(present: Alias | None) -> Choice:
        if present is None:
            former = last_champion(decisions.list_decisions(registry))
            fix = f"`promote {former.version}` restores it" if former else "check --registry, or register a version"
            raise NoInputError("there is no champion to roll back", where=registry.location, fix=fix)
        earlier = _others(present)
        if not earlier:
            what = f"there was no champion before {present.version!r}"
            raise UsageError(what, where=registry.location, fix="promote another version")
        version = earlier[-1]
        _require_version(registry, version)
        line = f"rolled back from {present.version}" + (f": {reason}" if reason else "")
        facts = {"action": ROLLBACK, "champion": present.version, "verdict": NO_VERDICT, "promotes": True}
        facts |= {"undoes": present.decision}
        stored.append(decisions.store_decision(registry, version, {**facts, "reason": line}))
        return Choice(version, line, stored[-1].path, earlier[:-1])

    return Outcome(change_alias(registry, CHAMPION, choose), stored[-1])


def _others(present: Alias) -> tuple[str, ...]:
    """Return the champions before, without the present one at the end of them."""
    earlier = present.earlier
    while earlier and earlier[-1] == present.version:
        earlier = earlier[:-1]
    return earlier


def _require_version(registry: Destination, version: str) -> None:
    """Raise an error that names the way out if the champion before cannot become champion again."""
    try:
        read_version(registry, version)
    except (NoInputError, BadDataError) as error:
        what = f"the champion before, {version!r}, cannot be used: {error.what}"
        fix = "promote another version: `promote VERSION`; `versions` lists them"
        raise type(error)(what, where=error.where, fix=fix) from None


def _decide(registry: Destination, request: Request, manifest: Manifest, champion: str | None) -> StoredDecision:
    """Judge a version, and store the decision; an equal one that is stored already is returned instead.

    A decision that a rollback has undone does not count again. To register the version again, as the retry of a step
    does, then changes nothing; ``promote`` asks the gate again.
    """
    policy = decisions.digest_of(request.policy.to_dict())
    table = request.reference.sha256 if request.reference else None
    key = {"champion": champion, "policy_sha256": policy, "forced": request.forced or None, "reference_sha256": table}
    earlier = decisions.list_decisions(registry)
    undone = {each.document.get("undoes") for each in earlier}
    own = [each for each in earlier if each.version == request.version]
    if request.action == REGISTER and any(each.path in undone for each in own):
        reason = f"{request.version} was champion before a rollback: `promote` asks the gate again"
        taken_back = {"action": REGISTER, **key, "verdict": NO_VERDICT, "promotes": False, "reason": reason}
        return decisions.store_decision(registry, request.version, taken_back)
    for each in reversed(own):
        same = all(each.document.get(name) == key[name] for name in key) and each.path not in undone
        if same and each.document["verdict"] not in (gate.Verdict.NOT_COMPARABLE, NO_VERDICT):
            return each
    judgement = _judge(registry, request, manifest, champion, earlier)
    judged = judgement.decision
    promotes, reason = judged.promotes, judged.reason
    if request.forced:
        promotes, reason = True, f"forced ({request.forced}); the gate: {judged.reason}"
    rows, used = judgement.test_rows_sha256, judgement.reference
    facts = {
        "action": request.action,
        **key,
        "verdict": str(judged.verdict),
        "promotes": promotes,
        "reason": reason,
        "test_rows_sha256": rows,
        "earlier_uses_of_test_rows": judged.details["uses"] if rows else None,
        "reference": used.to_dict() if used else None,
        "gate": judged.to_dict(),
    }
    return decisions.store_decision(registry, request.version, facts)


@dataclass(frozen=True)
class _Judgement:
    """A decision of the gate, the digest of the rows that it used, if any, and those of the reference table."""

    decision: Decision
    test_rows_sha256: str | None = None
    reference: ReferenceUse | None = None


def _judge(
    registry: Destination, request: Request, manifest: Manifest, champion: str | None, earlier: list[StoredDecision]
) -> _Judgement:
    policy, table, used = request.policy, request.reference, None
    with tempfile.TemporaryDirectory(prefix="covertype-gate-") as name:
        try:
            versions = candidates.open_versions(registry, manifest, champion, Path(name))
            if table:
                own, present, used = candidates.fetch_for_reference(*versions, table, policy.minimum_positive)
            else:
                own, present = candidates.fetch_candidates(*versions, request.scores)
            own, present = candidates.add_times(policy, own, present, *versions)
        except candidates.NotComparableError as error:
            return _Judgement(gate.not_comparable(request.version, champion, str(error), policy), reference=used)
    rows = own.scores.test_rows_sha256
    uses = decisions.count_uses(earlier, rows, table.sha256 if table else None)
    judged = gate.decide(own, present, policy, uses=uses, rows_name="reference rows" if table else "test rows")
    return _Judgement(judged, None if judged.verdict == gate.Verdict.NOT_COMPARABLE else rows, used)
