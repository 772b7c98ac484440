"""A registry's aliases, each a small file that names a version."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steps.core.errors import AlreadyExistsError, BadDataError, TransientError
from steps.registry.gate import Gate, Verdict, judge
from steps.registry.manifest import MANIFEST, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from steps.registry.destinations import Destination
    from steps.registry.manifest import Manifest

# How often an alias is read again because somebody else moved it meanwhile.
_ATTEMPTS = 10


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


def move(
    destination: Destination,
    alias: str,
    version: str,
    decide: Callable[[str | None], Verdict] = lambda _: Verdict(True, "newest"),
) -> Move:
    """Let an alias name ``version`` if ``decide``, told the version it names now, says so.

    The alias is written only as it was read: where somebody else moved it meanwhile, all is decided again.

    Raises:
        BadDataError: the alias cannot be read.
        TransientError: others moved it again and again.
    """
    name = f"aliases/{alias}.json"
    uri = f"{destination.location}/{name}"
    for _ in range(_ATTEMPTS):
        seen = destination.read(name)
        present = _version_in(seen.data, uri) if seen else None
        if seen and present == version:
            return Move(version, version, False, "it was before", uri, seen.generation)
        verdict = decide(present)
        if not verdict.passes:
            return Move(present, present, False, verdict.reason, uri, seen.generation if seen else None)
        data = json.dumps({"version": version, "previous": present, "reason": verdict.reason}, indent=2) + "\n"
        try:
            generation = destination.write(name, data.encode(), seen)
        except AlreadyExistsError:
            continue
        return Move(version, present, True, verdict.reason, uri, generation)
    raise TransientError("others kept moving this alias", where=uri, fix="run again")


def move_champion(destination: Destination, lineage: Mapping[str, Any], gate: Gate) -> Move:
    """Let ``champion`` name the version with this lineage if it passes the gate."""

    def decide(present: str | None) -> Verdict:
        if present is None:
            return judge(lineage, None, gate)
        found = _manifest(destination, present)
        if found is None:
            return Verdict(False, f"not comparable, the champion {present} is not in the registry")
        try:
            return judge(lineage, found.metadata, gate)
        except (KeyError, TypeError, AttributeError):
            return Verdict(False, f"not comparable, the champion {present} has no lineage")

    return move(destination, "champion", lineage["version"], decide)


def _manifest(destination: Destination, version: str) -> Manifest | None:
    location = f"versions/{version}"
    found = destination.read(f"{location}/{MANIFEST}")
    return decode(found.data, f"{destination.location}/{location}", found.generation) if found else None


def _version_in(data: bytes, uri: str) -> str:
    try:
        version = json.loads(data)["version"]
    except (ValueError, TypeError, KeyError):
        version = None
    if not isinstance(version, str):
        raise BadDataError("this names no version", where=uri, fix="remove it, or write {'version': ...} there")
    return version
