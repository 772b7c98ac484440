"""Command line entries ``NAME=PATH``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from steps.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse_paths(entries: Sequence[str], option: str) -> dict[str, Path]:
    """Parse ``NAME=PATH`` entries; UsageError for one that is neither, or a name given twice."""
    paths: dict[str, Path] = {}
    for entry in entries:
        name, separator, path = entry.partition("=")
        if not (name and separator and path):
            raise UsageError(f"{entry!r} is not NAME=PATH", where=option)
        if name in paths:
            raise UsageError(f"{name!r} is there twice", where=option)
        paths[name] = Path(path)
    return paths
