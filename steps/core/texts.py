"""Check text that a user gives as one line: it reaches terminals, logs, YAML and file systems."""

from __future__ import annotations

import unicodedata

# Unicode category of surrogates, which Python uses for bytes on the command line that are not UTF-8.
_SURROGATE = "Cs"
# Surrogates, control characters, line separators and paragraph separators.
_UNPRINTABLE = {_SURROGATE, "Cc", "Zl", "Zp"}


def is_unprintable(character: str) -> bool:
    """Return whether a character is not allowed in a text of one line."""
    return unicodedata.category(character) in _UNPRINTABLE


def find_problem(text: str) -> str | None:
    """Return why a text is not valid as one line, as a clause without its subject, or None if it is valid."""
    found = {unicodedata.category(character) for character in text if is_unprintable(character)}
    if _SURROGATE in found:
        return "is not UTF-8 text"
    return "contains a line break or another control character" if found else None
