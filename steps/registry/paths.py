"""The paths in a registry: versions and aliases, and the files of a version that several packages read.

A name becomes a path only here, after :func:`is_valid_name`: an alias is written by others, and its content must not
lead out of the registry.
"""

from __future__ import annotations

import re

VERSIONS, ALIASES, DECISIONS = "versions", "aliases", "decisions"
# The profile of the rows that were used, in a version and in the folder of a run.
PROFILE = "profile.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def is_valid_name(name: object) -> bool:
    """Return whether a value can be the name of a version or alias: letters, digits and ``. _ -``."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def version_path(version: str) -> str:
    """Return the folder of a version."""
    return f"{VERSIONS}/{version}"


def alias_path(alias: str) -> str:
    """Return the file of an alias."""
    return f"{ALIASES}/{alias}.json"


def decision_path(version: str, number: int) -> str:
    """Return the file of a decision about a version."""
    return f"{DECISIONS}/{version}/{number}.json"
