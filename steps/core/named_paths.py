"""Command-line entries of the form ``NAME=PATH``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from steps.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse_paths(entries: Sequence[str], option: str) -> dict[str, Path]:
    """Return the paths of ``NAME=PATH`` entries by name.

    Args:
        entries: The entries. A path may contain ``=``, a name may not.
        option: The option that the entries belong to, for error messages.

    Raises:
        UsageError: An entry has another form, or a name occurs twice.
    """
    paths: dict[str, Path] = {}
    for entry in entries:
        name, separator, path = entry.partition("=")
        if not (name and separator and path):
            raise UsageError(f"{entry!r} is not NAME=PATH", where=option)
        if name in paths:
            raise UsageError(f"the name {name!r} occurs twice", where=option, fix="use each name once")
        paths[name] = Path(path)
    return paths
