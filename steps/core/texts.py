"""What a text that a person gives must not hold anywhere: it reaches terminals, logs, YAML and file systems."""

from __future__ import annotations

import unicodedata

# Halves of surrogate pairs: what Python makes of bytes on a command line that are no UTF-8.
_NO_TEXT = "Cs"
# Categories of Unicode that a text of one line has none of: control characters, separators of lines and paragraphs too.
_UNPRINTABLE = {_NO_TEXT, "Cc", "Zl", "Zp"}


def is_unprintable(character: str) -> bool:
    """Whether a text of one line must not hold a character."""
    return unicodedata.category(character) in _UNPRINTABLE


def problem(text: str) -> str | None:
    """Return what is wrong with a text of one line, as a clause without a subject; None where it is one."""
    found = {unicodedata.category(character) for character in text if is_unprintable(character)}
    if _NO_TEXT in found:
        return "is no UTF-8 text"
    return "holds a line break or another control character" if found else None
