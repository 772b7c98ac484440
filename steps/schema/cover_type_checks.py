"""Check the labels, slugs and titles of cover types: each must identify one class everywhere.

A slug becomes the name of a task, a part of the names of templates and artifacts, a label of pods, and a folder. It
therefore follows the strictest of their rules: Argo rejects a task whose name begins with a digit and that has
dependencies (``validateDAG`` in Argo's ``workflow/validate/validate.go``), and Kubernetes allows 63 characters
(RFC 1123).
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

# At most 40 characters: the name of a step and the slug together must fit the 63 characters of a Kubernetes name.
_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
# Tasks of the workflow's DAG besides the per-cover-type pipelines, which are tasks named by their slug.
RESERVED_SLUGS = ("prepare", "report", "register")
_TRUTH_VALUES = ("true", "false")


def find_problems(cover_types: Sequence[CoverType]) -> Iterator[str]:
    """Yield the problems of the cover types of a schema, one line each."""
    if len(cover_types) < 2:  # noqa: PLR2004 - a classification needs two classes
        yield "at least two cover types are needed"
    for cover_type in cover_types:
        yield from _slug_problems(cover_type.slug)
        yield from _text_problems(cover_type)
    yield from (f"slug {slug!r} occurs twice" for slug in _repeated(each.slug for each in cover_types))
    yield from _label_problems(cover_types)
    titles = [_normal_form(each.title) for each in cover_types]
    yield from (f"title {title!r} occurs twice" for title in _repeated(titles) if title)


def _slug_problems(slug: str) -> Iterator[str]:
    if not _SLUG.fullmatch(slug):
        yield f"slug {slug!r} must be lower-case letters, digits and dashes, at most 40"
    elif slug[0].isdigit():
        yield f"slug {slug!r} must begin with a letter, because it names a task in Argo"
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
    yield from (f"label {label!r} occurs twice" for label in _repeated(each.label for each in cover_types))
    by_normal_form: dict[str, CoverType] = {}
    for each in cover_types:
        first = by_normal_form.setdefault(_normal_form(str(each.label)), each)
        if first.label != each.label:
            yield f"labels {first.label!r} and {each.label!r} differ only in how they are written"
    for each in cover_types:
        owner = by_normal_form.get(each.slug, each)
        if owner is not each:
            yield f"slug {each.slug!r} is the label of another cover type, {owner.slug!r}, use another"


def _repeated(values: Iterator[object] | Sequence[object]) -> list[object]:
    return [value for value, count in Counter(values).items() if count > 1]


def _normal_form(text: str) -> str:
    """Return the form in which texts are compared: stripped, in Unicode form NFC, with truth values in lower case."""
    composed = unicodedata.normalize("NFC", text.strip())
    return composed.lower() if composed.lower() in _TRUTH_VALUES else composed
