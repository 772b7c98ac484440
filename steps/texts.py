"""What a text that a person gives must not hold anywhere: it reaches terminals, logs, YAML and file systems."""

from __future__ import annotations

import unicodedata

# Control characters, and the separators of lines and paragraphs.
_CONTROL = ("Cc", "Zl", "Zp")
# Halves of surrogate pairs: what Python makes of bytes on a command line that are no UTF-8.
_NO_TEXT = "Cs"


def problem(text: str) -> str | None:
    """Return what is wrong with a text of one line, as a clause without a subject; None where it is one."""
    categories = {unicodedata.category(character) for character in text}
    if _NO_TEXT in categories:
        return "is no UTF-8 text"
    return "holds a line break or another control character" if categories & set(_CONTROL) else None
