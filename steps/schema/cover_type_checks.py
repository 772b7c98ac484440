"""What the names of a schema's cover types must keep to, so that each one names one class everywhere.

A slug becomes the name of a task, part of the names of templates and artifacts, a label of pods and a folder. So it
keeps to the strictest of their rules: Argo refuses a task that begins with a digit and has dependencies
(``validateDAG`` in Argo's ``workflow/validate/validate.go``), and Kubernetes allows 63 characters (RFC 1123).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

from steps.core import texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from steps.schema.model import CoverType

# At most 40: with the longest step's name before it, a slug must fit the 63 characters of a Kubernetes name.
_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
# The steps beside the cover types' chains: a cover type is a task among them, under its slug.
RESERVED_SLUGS = ("prepare", "report", "register")
_TRUTH_VALUES = ("true", "false")


def problems(cover_types: Sequence[CoverType]) -> Iterator[str]:
    """Yield what is wrong with the cover types of a schema, one line each."""
    if len(cover_types) < 2:  # noqa: PLR2004 - one class is no choice
        yield "at least two cover types are needed"
    for cover_type in cover_types:
        yield from _slug_problems(cover_type.slug)
        yield from _text_problems(cover_type)
    yield from (f"slug {slug!r} is there twice" for slug in _repeated(each.slug for each in cover_types))
    yield from _label_problems(cover_types)
    titles = [_spelling(each.title) for each in cover_types]
    yield from (f"title {title!r} is there twice" for title in _repeated(titles) if title)


def _slug_problems(slug: str) -> Iterator[str]:
    if not _SLUG.fullmatch(slug):
        yield f"slug {slug!r} must be lower-case letters, digits and dashes, at most 40"
    elif slug[0].isdigit():
        yield f"slug {slug!r} must begin with a letter, as a task's name in Argo"
    elif slug in RESERVED_SLUGS:
        yield f"slug {slug!r} is the name of a step, use another such as '{slug}-class'"


def _text_problems(cover_type: CoverType) -> Iterator[str]:
    for what, text in (("title", cover_type.title), ("label", str(cover_type.label))):
        if not text.strip():
            yield f"the {what} of {cover_type.slug!r} is empty"
        if problem := texts.find_problem(text):
            yield f"the {what} of {cover_type.slug!r} {problem}"


def _label_problems(cover_types: Sequence[CoverType]) -> Iterator[str]:
    if len({type(each.label) for each in cover_types}) > 1:
        yield "labels must be all integers or all strings"
    yield from (f"label {label!r} is there twice" for label in _repeated(each.label for each in cover_types))
    by_spelling: dict[str, CoverType] = {}
    for each in cover_types:
        first = by_spelling.setdefault(_spelling(str(each.label)), each)
        if first.label != each.label:
            yield f"labels {first.label!r} and {each.label!r} differ only in how they are written"
    for each in cover_types:
        owner = by_spelling.get(each.slug, each)
        if owner is not each:
            yield f"slug {each.slug!r} is the label of another cover type, {owner.slug!r}, use another"


def _repeated(values: Iterator[object] | Sequence[object]) -> list[object]:
    return [value for value, count in Counter(values).items() if count > 1]


def _spelling(text: str) -> str:
    """Return a text as it is compared: without outer blanks, composed (NFC), and truth values in lower case."""
    plain = unicodedata.normalize("NFC", text.strip())
    return plain.lower() if plain.lower() in _TRUTH_VALUES else plain
