"""The aliases of a registry. Each is a small file that names a version."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steps.core import storage
from steps.core.errors import AlreadyExistsError, BadDataError, NoInputError, TransientError
from steps.registry.champion_gate import Gate, Verdict, compare_with_champion
from steps.registry.manifest import MANIFEST, decode_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from steps.registry.destinations import Destination
    from steps.registry.manifest import Manifest

# The number of attempts to move an alias that other processes move at the same time.
_ATTEMPTS = 10


@dataclass(frozen=True)
class AliasMove:
    """The result of an attempt to move an alias.

    Attributes:
        version: The version that the alias names now; None if it does not exist.
        previous: The version that it named before.
        moved: Whether it was moved.
        reason: Why it was moved or not.
        uri: The address of the alias.
        generation: The generation of the alias in a bucket; None in a folder.
    """

    version: str | None
    previous: str | None
    moved: bool
    reason: str
    uri: str
    generation: int | str | None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return dataclasses.asdict(self)


def move_alias(
    destination: Destination,
    alias: str,
    version: str,
    decide: Callable[[str | None], Verdict] = lambda _: Verdict(True, "newest"),
) -> AliasMove:
    """Move an alias to a version, if ``decide`` allows it.

    The alias is written only if nobody has changed it since it was read. Otherwise it is read and decided again.

    Args:
        destination: The registry.
        alias: The name of the alias.
        version: The version.
        decide: Called with the version that the alias names now, None if it does not exist.

    Raises:
        BadDataError: The alias cannot be read.
        TransientError: Others moved the alias at every attempt.
    """
    name = f"aliases/{alias}.json"
    uri = f"{destination.location}/{name}"
    for _ in range(_ATTEMPTS):
        stored = destination.read(name)
        present = _parse_version(stored.data, uri) if stored else None
        if stored and present == version:
            return AliasMove(version, version, False, "unchanged", uri, stored.generation)
        verdict = decide(present)
        if not verdict.passes:
            return AliasMove(present, present, False, verdict.reason, uri, stored.generation if stored else None)
        data = json.dumps({"version": version, "previous": present, "reason": verdict.reason}, indent=2) + "\n"
        try:
            generation = destination.write(name, data.encode(), stored)
        except AlreadyExistsError:
            continue
        return AliasMove(version, present, True, verdict.reason, uri, generation)
    raise TransientError("others kept moving this alias", where=uri, fix="run again")


def resolve(destination: Destination, name: str) -> str:
    """Return the version that an alias names, or the name itself if there is no such alias.

    Raises:
        NoInputError: There is neither an alias nor a version of this name.
        BadDataError: The alias cannot be read.
    """
    path = f"aliases/{name}.json"
    if stored := destination.read(path):
        return _parse_version(stored.data, f"{destination.location}/{path}")
    if destination.read(f"versions/{name}/{MANIFEST}"):
        return name
    what = f"there is no version and no alias {name!r}"
    raise NoInputError(what, where=destination.location, fix="check the registry and --version")


def move_champion(destination: Destination, lineage: Mapping[str, Any], gate: Gate) -> AliasMove:
    """Move the alias ``champion`` to the version with this lineage, if it passes the gate."""

    def decide(present: str | None) -> Verdict:
        if present is None:
            return compare_with_champion(lineage, None, gate)
        found = _read_version_manifest(destination, present)
        if found is None:
            return Verdict(False, f"not comparable, the champion {present} is not in the registry")
        try:
            return compare_with_champion(lineage, found.metadata, gate)
        except (KeyError, TypeError, AttributeError):
            return Verdict(False, f"not comparable, the champion {present} has no lineage")

    return move_alias(destination, "champion", lineage["version"], decide)


def _read_version_manifest(destination: Destination, version: str) -> Manifest | None:
    location = f"versions/{version}"
    found = destination.read(f"{location}/{MANIFEST}")
    return decode_manifest(found.data, f"{destination.location}/{location}", found.generation) if found else None


def _parse_version(data: bytes, uri: str) -> str:
    try:
        version = storage.parse_json(data)["version"]
    except (ValueError, TypeError, KeyError):
        version = None
    if not isinstance(version, str):
        raise BadDataError("this does not name a version", where=uri, fix="remove it, or write {'version': ...} to it")
    return version
