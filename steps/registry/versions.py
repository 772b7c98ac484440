"""The versions of a registry: their manifests, and a list of all of them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from steps.core.errors import BadDataError, NoInputError
from steps.registry import decisions, destinations
from steps.registry.aliases import CANDIDATE, CHAMPION, read_alias
from steps.registry.manifest import MANIFEST
from steps.registry.paths import VERSIONS, is_valid_name, version_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steps.registry.decisions import StoredDecision
    from steps.registry.destinations import Destination
    from steps.registry.manifest import Manifest


def read_version(registry: Destination, version: str) -> Manifest:
    """Return the manifest of a version.

    Raises:
        NoInputError: There is no such version, or it has no manifest.
        BadDataError: The manifest is damaged, or it is not that of a registered version.
    """
    folder = registry.below(version_path(version))
    found = destinations.read_manifest(folder) if is_valid_name(version) else None
    if found is None:
        _raise_missing(registry, version)
    if found.metadata.get("version") != version or not isinstance(found.metadata.get("cover_types"), dict):
        fix = "register the run again under another version"
        raise BadDataError("the manifest is not that of this registered version", where=folder.location, fix=fix)
    return found


def _raise_missing(registry: Destination, version: str) -> NoReturn:
    """Raise NoInputError that says whether other files of the version are there."""
    if is_valid_name(version) and registry.names_below(version_path(version)):
        where = f"{registry.location}/{version_path(version)}"
        raise NoInputError(f"version {version!r} has no {MANIFEST}", where=where, fix="register the run again")
    what = f"there is no version and no alias {version!r}"
    raise NoInputError(what, where=registry.location, fix="`versions --registry URI` lists those that exist")


@dataclass(frozen=True)
class VersionFacts:
    """A version in the list of a registry.

    Attributes:
        version: The name.
        at: The time of the first decision about it in RFC 3339; empty if there was none.
        accuracy: The accuracy of all models together; None if it is not defined or unknown.
        macro_f1: The macro F1 of all models together.
        aliases: The aliases that name it.
        decision: The latest decision about it; None if there was none.
        problem: Why it cannot be used; empty if nothing is wrong with its manifest.
    """

    version: str
    at: str
    accuracy: float | None
    macro_f1: float | None
    aliases: tuple[str, ...]
    decision: dict[str, Any] | None
    problem: str

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Listing:
    """What is in a registry.

    Attributes:
        versions: The versions in the order of their first decisions.
        damaged: The errors of aliases and decisions that cannot be read; they are left out.
    """

    versions: tuple[VersionFacts, ...]
    damaged: tuple[BadDataError, ...] = ()


def list_versions(registry: Destination) -> Listing:
    """Return all versions of a registry. Damaged ones have a ``problem``.

    Raises:
        NoInputError: There is no registry: neither a version nor an alias.
    """
    damaged: list[BadDataError] = []
    named: dict[str, str] = {}
    for name in (CANDIDATE, CHAMPION):
        try:
            if alias := read_alias(registry, name):
                named[name] = alias.version
        except BadDataError as error:
            damaged.append(error)
    stored = registry.names_below(VERSIONS)
    names = {parts[1] for parts in (name.split("/", 2) for name in stored) if len(parts) > 2}  # noqa: PLR2004 - a folder
    if not names and not named and not damaged:
        raise NoInputError("this is no registry: there is no version", where=registry.location, fix="check --registry")
    judged = decisions.list_decisions(registry, report=damaged.append)
    facts = [_facts(registry, name, named, judged) for name in sorted(names | set(named.values()))]
    return Listing(tuple(sorted(facts, key=lambda each: (each.at, each.version))), tuple(damaged))


def _facts(
    registry: Destination, version: str, aliases: dict[str, str], judged: Sequence[StoredDecision]
) -> VersionFacts:
    own = sorted((each for each in judged if each.version == version), key=lambda each: each.number)
    metadata: dict[str, Any] = {}
    problem = ""
    try:
        metadata = read_version(registry, version).metadata
    except (NoInputError, BadDataError) as error:
        problem = error.what
    return VersionFacts(
        version,
        own[0].at if own else "",
        _finite(metadata.get("accuracy")),
        _finite(metadata.get("macro_f1")),
        tuple(name for name, named in aliases.items() if named == version),
        own[-1].summary() if own else None,
        problem,
    )


def _finite(value: object) -> float | None:
    """Return a metric of a manifest, which others may have written; None for anything but a finite number."""
    return value if isinstance(value, float) and math.isfinite(value) else None
