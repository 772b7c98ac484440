"""Check the slices of a schema: their names, columns and prefixes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from steps.core import texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steps.schema.model import Schema

# Columns of the files with scores, beside those of the slices. Those of the models begin with the prefix.
_RESERVED = {"split", "label", "row", "score", "cover_type", "group"}
_RESERVED_PREFIX = "score_"


def is_reserved(name: str) -> bool:
    """Return whether a slice cannot have this name, because a column of scores has it."""
    return name in _RESERVED or name.startswith(_RESERVED_PREFIX)


def find_problems(schema: Schema) -> Iterator[str]:
    """Yield the problems of the slices, one line each; keys and types must have been checked before."""
    categories = set(schema.categorical)
    for part in schema.slices:
        if not part.name.strip() or texts.find_problem(part.name):
            yield f"the name {part.name!r} of a slice must be a text of one line"
        elif is_reserved(part.name):
            yield f"the name {part.name!r} of a slice is reserved"
        if part.of not in categories:
            yield f"slice {part.name!r} is of {part.of!r}, which is not a categorical column"
        if part.prefix < 0:
            yield f"the prefix of slice {part.name!r} is {part.prefix}, it must be 0 or more"
    names = Counter(part.name for part in schema.slices)
    yield from (f"slice {name!r} occurs twice" for name, times in names.items() if times > 1)
