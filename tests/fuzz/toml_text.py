"""Values as TOML text: the standard library reads TOML and does not write it."""

from __future__ import annotations

import math
import re
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPED = re.compile(r'[\x00-\x1f\x7f"\\]')


def document(values: dict[str, Any]) -> str:
    """Return a document with a line for each key."""
    return "".join(f"{_key(key)} = {value(entry)}\n" for key, entry in values.items())


def value(entry: Any) -> str:
    """Return one value; tables are inline."""
    if isinstance(entry, bool):
        return str(entry).lower()
    if isinstance(entry, int):
        return str(entry)
    if isinstance(entry, float):
        return repr(entry) if math.isfinite(entry) else {math.inf: "inf", -math.inf: "-inf"}.get(entry, "nan")
    if isinstance(entry, str):
        return '"' + _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", entry) + '"'
    if isinstance(entry, dict):
        return "{ " + ", ".join(f"{_key(key)} = {value(inner)}" for key, inner in entry.items()) + " }"
    return "[" + ", ".join(map(value, entry)) + "]"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else value(name)
