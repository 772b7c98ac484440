"""A registry's aliases, each a small file that names a version, and the gate before the champion's."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from steps.errors import BadDataError, TransientError
from steps.gcs_errors import AlreadyThereError
from steps.manifest import MANIFEST, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from steps.manifest import Manifest
    from steps.places import Place

# How often an alias is read again because somebody else moved it meanwhile.
_ATTEMPTS = 10


@dataclass(frozen=True)
class Gate:
    """How much lower than the champion's a new one's PR-AUC may be: the mean's, and each cover type's."""

    tolerance: float = 0.0
    class_tolerance: float = 0.01


@dataclass(frozen=True)
class Verdict:
    """Whether a version becomes the champion, and why."""

    passes: bool
    reason: str


@dataclass(frozen=True)
class Move:
    """An alias after the attempt to move it: the version it names, the one before, and why."""

    version: str | None
    previous: str | None
    moved: bool
    reason: str
    uri: str
    generation: int | None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return dataclasses.asdict(self)


def judge(new: Mapping[str, Any], champion: Mapping[str, Any] | None, gate: Gate) -> Verdict:
    """Compare two versions' lineages (see ``steps.register``) by PR-AUC on the same test rows.

    Without a champion the new version passes; where the two were not measured on the same rows it does not.
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
    """Return why two versions were not measured on the same test rows, nothing where they were.

    The test rows follow from the data, the seed and the fractions: the latter show in the numbers of rows.
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


def move(
    place: Place, alias: str, version: str, decide: Callable[[str | None], Verdict] = lambda _: Verdict(True, "newest")
) -> Move:
    """Let an alias name ``version`` if ``decide``, told the version it names now, says so.

    The alias is written only as it was read: where somebody else moved it meanwhile, all is decided again.

    Raises:
        BadDataError: the alias cannot be read.
        TransientError: others moved it again and again.
    """
    name = f"aliases/{alias}.json"
    uri = f"{place.location}/{name}"
    for _ in range(_ATTEMPTS):
        seen = place.read(name)
        present = _version_in(seen.data, uri) if seen else None
        if seen and present == version:
            return Move(version, version, False, "it was before", uri, seen.generation)
        verdict = decide(present)
        if not verdict.passes:
            return Move(present, present, False, verdict.reason, uri, seen.generation if seen else None)
        data = json.dumps({"version": version, "previous": present, "reason": verdict.reason}, indent=2) + "\n"
        try:
            generation = place.write(name, data.encode(), seen)
        except AlreadyThereError:
            continue
        return Move(version, present, True, verdict.reason, uri, generation)
    raise TransientError("others kept moving this alias", where=uri, fix="run again")


def move_champion(place: Place, lineage: Mapping[str, Any], gate: Gate) -> Move:
    """Let ``champion`` name the version with this lineage if it passes the gate."""

    def decide(present: str | None) -> Verdict:
        if present is None:
            return judge(lineage, None, gate)
        found = _manifest(place, present)
        if found is None:
            return Verdict(False, f"not comparable, the champion {present} is not in the registry")
        try:
            return judge(lineage, found.metadata, gate)
        except (KeyError, TypeError, AttributeError):
            return Verdict(False, f"not comparable, the champion {present} has no lineage")

    return move(place, "champion", lineage["version"], decide)


def _manifest(place: Place, version: str) -> Manifest | None:
    location = f"versions/{version}"
    found = place.read(f"{location}/{MANIFEST}")
    return decode(found.data, f"{place.location}/{location}", found.generation) if found else None


def _version_in(data: bytes, uri: str) -> str:
    try:
        version = json.loads(data)["version"]
    except (ValueError, TypeError, KeyError):
        version = None
    if not isinstance(version, str):
        raise BadDataError("this names no version", where=uri, fix="remove it, or write {'version': ...} there")
    return version
