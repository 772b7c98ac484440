"""The aliases of a registry. Each is a small file that names a version, the versions before it, and the reason."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steps.core import storage
from steps.core.errors import AlreadyExistsError, BadDataError, NoInputError, TransientError
from steps.core.times import now
from steps.registry.manifest import MANIFEST
from steps.registry.paths import alias_path, is_valid_name, version_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from steps.registry.destinations import Destination

CANDIDATE, CHAMPION = "candidate", "champion"
# The number of attempts to move an alias that other processes move at the same time.
_ATTEMPTS = 10
# The number of earlier versions that an alias keeps for rollbacks.
_MOST_EARLIER = 100


@dataclass(frozen=True)
class Alias:
    """The content of an alias.

    Attributes:
        version: The version that it names.
        previous: The version that it named before the last move; None for none.
        reason: The reason of the last move.
        decision: The path in the registry of the decision for the last move; None if none was needed.
        at: The time of the last move in RFC 3339; empty in a registry of an older version of this project.
        earlier: The versions that a rollback returns to, the newest last.
    """

    version: str
    previous: str | None = None
    reason: str = ""
    decision: str | None = None
    at: str = ""
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """The version that an alias shall name.

    Attributes:
        version: The version; None to leave the alias unchanged.
        reason: Why it is moved or not.
        decision: The path in the registry of the decision; None if none was needed.
        earlier: The versions that a rollback returns to afterwards.
    """

    version: str | None
    reason: str
    decision: str | None = None
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True)
class AliasMove:
    """The result of an attempt to move an alias.

    Attributes:
        version: The version that the alias names now; None if it does not exist.
        previous: The version that it named before.
        moved: Whether it was moved.
        reason: Why it was moved or not.
        decision: The path in the registry of the decision; None if none was needed.
        uri: The address of the alias.
        generation: The generation of the alias in a bucket; None in a folder.
    """

    version: str | None
    previous: str | None
    moved: bool
    reason: str
    decision: str | None
    uri: str
    generation: int | str | None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return dataclasses.asdict(self)


def read_alias(destination: Destination, alias: str) -> Alias | None:
    """Return an alias, None if it does not exist; BadDataError if it cannot be read."""
    stored = destination.read(alias_path(alias))
    return _parse_alias(stored.data, f"{destination.location}/{alias_path(alias)}") if stored else None


def move_alias(destination: Destination, alias: str, version: str, reason: str = "newest") -> AliasMove:
    """Move an alias to a version; errors as for :func:`change_alias`."""
    return change_alias(destination, alias, lambda _: Choice(version, reason))


def change_alias(destination: Destination, alias: str, choose: Callable[[Alias | None], Choice]) -> AliasMove:
    """Move an alias to the version that ``choose`` returns.

    The alias is written only if nobody has changed it since it was read. Otherwise it is read, and ``choose`` is called
    again.

    Args:
        destination: The registry.
        alias: The name of the alias.
        choose: Called with the alias as it is, None if it does not exist.

    Raises:
        BadDataError: The alias cannot be read.
        TransientError: Others moved the alias at every attempt.
    """
    uri = f"{destination.location}/{alias_path(alias)}"
    for _ in range(_ATTEMPTS):
        stored = destination.read(alias_path(alias))
        present = _parse_alias(stored.data, uri) if stored else None
        version = present.version if present else None
        choice = choose(present)
        if choice.version in {None, version}:
            reason = choice.reason if choice.version is None else "unchanged"
            generation = stored.generation if stored else None
            return AliasMove(version, version, False, reason, choice.decision, uri, generation)
        moved = Alias(choice.version or "", version, choice.reason, choice.decision, now(), choice.earlier)
        document = {**dataclasses.asdict(moved), "earlier": moved.earlier[-_MOST_EARLIER:]}
        try:
            generation = destination.write(alias_path(alias), (json.dumps(document, indent=2) + "\n").encode(), stored)
        except AlreadyExistsError:
            continue
        return AliasMove(choice.version, version, True, choice.reason, choice.decision, uri, generation)
    raise TransientError("others kept moving this alias", where=uri, fix="run again")


def resolve(destination: Destination, name: str) -> str:
    """Return the version that an alias names, or the name itself if there is no such alias.

    Raises:
        NoInputError: There is neither an alias nor a version of this name.
        BadDataError: The alias cannot be read.
    """
    valid = is_valid_name(name)  # any other text would be a path
    if valid and (alias := read_alias(destination, name)):
        return alias.version
    if valid and destination.read(f"{version_path(name)}/{MANIFEST}"):
        return name
    what = f"there is no version and no alias {name!r}"
    raise NoInputError(
        what, where=destination.location, fix="check --registry and the name: `versions` lists those that exist"
    )


def _parse_alias(data: bytes, uri: str) -> Alias:
    """Return the alias in a file. One of an older version of this project has the version before, but no others."""
    try:
        document = storage.parse_json(data)
        earlier = document.get("earlier", [document["previous"]] if document.get("previous") else [])
        valid = isinstance(earlier, list) and all(is_valid_name(name) for name in (document["version"], *earlier))
    except (ValueError, TypeError, KeyError, AttributeError):
        valid = False
    if not valid:
        fix = "remove it: the next `promote` or registration writes it again"
        raise BadDataError("this does not name a version", where=uri, fix=fix)
    previous, decision = document.get("previous"), document.get("decision")
    return Alias(
        document["version"],
        previous if is_valid_name(previous) else None,
        str(document.get("reason", "")),
        decision if isinstance(decision, str) else None,
        str(document.get("at", "")),
        tuple(earlier),
    )
