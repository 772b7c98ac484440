"""The paths in a registry: versions and aliases, and the files of a version that several packages read.

A name becomes a path only here, after :func:`is_valid_name`: an alias is written by others, and its content must not
lead out of the registry.
"""

from __future__ import annotations

import re

VERSIONS, ALIASES, DECISIONS = "versions", "aliases", "decisions"
# Files of a version and of the folder of a run: the profile of the rows that were used, and the report.
PROFILE, REPORT_HTML, REPORT_JSON = "profile.json", "report.html", "report.json"
# Files of a version alone: the card, and the metrics beside each model.
CARD, METRICS = "model_card.md", "metrics.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def is_valid_name(name: object) -> bool:
    """Return whether a value can be the name of a version or alias: letters, digits and ``. _ -``."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def version_path(version: str) -> str:
    """Return the folder of a version."""
    return f"{VERSIONS}/{version}"


def metrics_path(slug: str) -> str:
    """Return the file with the metrics of a model, in a version."""
    return f"models/{slug}/{METRICS}"


def alias_path(alias: str) -> str:
    """Return the file of an alias."""
    return f"{ALIASES}/{alias}.json"


def decision_path(version: str, number: int) -> str:
    """Return the file of a decision about a version."""
    return f"{DECISIONS}/{version}/{number}.json"
