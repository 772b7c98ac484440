"""The decisions about the versions of a registry: each is stored once, at ``decisions/VERSION/N.json``.

They are beside the versions and not in them: a version is published once, and may be judged again against a later
champion.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steps.core import storage
from steps.core.errors import AlreadyExistsError, BadDataError, NoInputError
from steps.core.times import now
from steps.registry.paths import DECISIONS, decision_path, is_valid_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from steps.registry.destinations import Destination

_NAME = re.compile(rf"{DECISIONS}/([^/]+)/([1-9][0-9]*)\.json")
# What asked for a decision.
REGISTER, PROMOTE, ROLLBACK = "register", "promote", "rollback"
# The keys of every decision.
_KEYS = ("at", "action", "champion", "verdict", "promotes", "reason")


@dataclass(frozen=True)
class StoredDecision:
    """A decision in a registry.

    Attributes:
        version: The version that it is about.
        number: The number among the decisions about this version, from 1.
        document: The content of the file.
    """

    version: str
    number: int
    document: dict[str, Any]

    @property
    def path(self) -> str:
        """The path in the registry."""
        return decision_path(self.version, self.number)

    @property
    def at(self) -> str:
        """The time of the decision in RFC 3339."""
        return str(self.document["at"])

    def to_dict(self) -> dict[str, Any]:
        """Return the content with the path in the registry, as plain JSON values."""
        return {"path": self.path, **self.document}

    def summary(self) -> dict[str, Any]:
        """Return the path, and what every decision has, as plain JSON values."""
        return {"path": self.path, **{key: self.document[key] for key in _KEYS}, "forced": self.document.get("forced")}


def list_decisions(
    registry: Destination, version: str = "", report: Callable[[BadDataError], None] | None = None
) -> list[StoredDecision]:
    """Return the decisions about a version, or about all of them, in the order in which they were stored.

    Args:
        registry: The registry.
        version: The version; empty for all.
        report: Called for each decision that cannot be read, which is left out.

    Raises:
        BadDataError: A decision cannot be read, and ``report`` is None.
    """
    folder = f"{DECISIONS}/{version}" if version else DECISIONS
    found = (_NAME.fullmatch(name) for name in registry.names_below(folder))
    stored = []
    for match in found:
        if match and is_valid_name(match[1]):
            try:
                stored.append(_read(registry, match[1], int(match[2])))
            except BadDataError as error:
                if report is None:
                    raise
                report(error)
    return sorted(stored, key=lambda each: (each.at, each.version, each.number))


def store_decision(registry: Destination, version: str, facts: Mapping[str, Any]) -> StoredDecision:
    """Store a decision under the next free number of its version, and return it.

    Args:
        registry: The registry.
        version: The version that the decision is about.
        facts: The content; version, number and time are added.
    """
    names = registry.names_below(f"{DECISIONS}/{version}")
    number = max((int(match[2]) for match in map(_NAME.fullmatch, names) if match), default=0)
    while True:
        number += 1
        document = {"version": version, "number": number, "at": now(precise=True), **facts}
        data = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
        stored = StoredDecision(version, number, json.loads(data))
        try:
            registry.write(stored.path, data.encode(), None)
        except AlreadyExistsError:
            continue  # another process stored a decision about the same version
        return stored


def count_uses(stored: Sequence[StoredDecision], test_rows_sha256: str, reference_sha256: str | None = None) -> int:
    """Return how many decisions were made on these test rows, or on rows of this reference table."""
    if reference_sha256 is not None:  # which rows are used depends on the versions
        documents = [each.document for each in stored if each.document.get("test_rows_sha256")]
        return sum(each.get("reference_sha256") == reference_sha256 for each in documents)
    return sum(each.document.get("test_rows_sha256") == test_rows_sha256 for each in stored)


def digest_of(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a JSON document, whose keys may be in any order."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _read(registry: Destination, version: str, number: int) -> StoredDecision:
    stored = StoredDecision(version, number, {})
    where = f"{registry.location}/{stored.path}"
    found = registry.read(stored.path)
    if found is None:
        raise NoInputError("this decision has just been removed", where=where, fix="run again")
    try:
        document = storage.parse_json(found.data)
        valid = isinstance(document, dict) and all(key in document for key in _KEYS) and _has_types(document)
    except ValueError:
        valid = False
    if not valid:
        raise BadDataError("this is not a decision of the gate", where=where, fix="remove it")
    return StoredDecision(version, number, document)


def _has_types(document: Mapping[str, Any]) -> bool:
    """Return whether the values of the keys of every decision have the types that this project writes."""
    texts = all(isinstance(document[key], str) for key in ("at", "action", "verdict", "reason"))
    champion = document["champion"] is None or is_valid_name(document["champion"])
    return texts and champion and isinstance(document["promotes"], bool)
