"""Draws schemas as TOML documents: a valid one with some invalid or unusual changes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from steps import schema as schemas
from steps.schema import dtypes
from tests.fuzz import words

if TYPE_CHECKING:
    from collections.abc import Callable

Document = dict[str, Any]

_CLASSES = (("Oak", "oak"), ("Elm", "elm"), ("Ash", "ash-tree"), ("Fir", "fir"))
_NUMBERS = ("height", "width", "depth")
_CATEGORY = {"name": "site", "dtype": "category", "values": ["north", "south", "east"]}
_DTYPES = (*(dtype for dtype in dtypes.DTYPES if dtype != "category"), "int64", "int64", "float32", "float64")


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Draw a schema. One in three is unchanged; the others have up to three changes."""
    document = _plain(draw)
    if draw(st.integers(0, 2)):
        for change in sorted(draw(st.lists(st.sampled_from(sorted(_CHANGES)), min_size=1, max_size=3, unique=True))):
            _CHANGES[change](draw, document)
    return document


def _plain(draw: st.DrawFn) -> Document:
    names = _NUMBERS[: draw(st.integers(1, 3))]
    columns: list[Document] = [{"name": name, "dtype": draw(st.sampled_from(_DTYPES))} for name in names]
    if draw(st.booleans()):
        columns.append({**_CATEGORY, "values": list(_CATEGORY["values"])})
    chosen = _CLASSES[: draw(st.integers(2, 3))]
    labels: Any = draw(
        st.sampled_from([(1, 2, 3, 4), (0, 1, 2, 3), (3, 1, 9, 7), tuple(label for label, _ in _CLASSES)])
    )
    return {
        "name": "trees",
        "target": "kind",
        "columns": columns,
        "cover_types": [
            {"label": label, "slug": slug, "title": title} for label, (title, slug) in zip(labels, chosen, strict=False)
        ],
    }


def _column_name(draw: st.DrawFn, document: Document) -> None:
    draw(st.sampled_from(document["columns"]))["name"] = draw(words.texts)


def _two_like_names(draw: st.DrawFn, document: Document) -> None:
    """Give two columns names that a careless program confuses."""
    first = draw(st.sampled_from(["Höhe", "a", "site", "height", "x [m]"]))
    like = [
        first.upper(),
        f"{first} ",
        f"{first}_0",
        first,
        first.replace("ö", "o\u0308"),
        f"{first}\u200b",
        f'"{first}"',
    ]
    document["columns"][0]["name"] = first
    document["columns"].append({"name": draw(st.sampled_from(like)), "dtype": "float32"})


def _target(draw: st.DrawFn, document: Document) -> None:
    document["target"] = draw(words.texts)


def _slug(draw: st.DrawFn, document: Document) -> None:
    draw(st.sampled_from(document["cover_types"]))["slug"] = draw(words.slugs)


def _slug_is_a_label(draw: st.DrawFn, document: Document) -> None:
    """Give a class a slug that is the label of another class."""
    one, other = document["cover_types"][:2]
    one["slug"] = str(other["label"]).lower()
    if draw(st.booleans()):
        other["label"] = one["slug"] if isinstance(other["label"], str) else other["label"]


def _label(draw: st.DrawFn, document: Document) -> None:
    chosen = draw(st.sampled_from(document["cover_types"]))
    odd = words.numbers if isinstance(chosen["label"], int) else words.texts
    chosen["label"] = draw(odd if draw(st.integers(0, 5)) else st.one_of(words.texts, words.numbers, st.booleans()))


def _two_like_labels(draw: st.DrawFn, document: Document) -> None:
    """Give two classes labels that a careless program confuses, or that are boolean words."""
    pairs: list[tuple[Any, Any]] = [
        ("1", "01"),
        ("1", "1.0"),
        ("True", "False"),
        ("true", "false"),
        ("a", "A"),
        ("a", "a "),
        ("NA", "N/A"),
    ]
    pairs += [("\u00e9", "e\u0301"), (2**53, 2**53 + 1), (0, 256), (1, 2**16 + 1), ("", "nan"), (-1, 0), (True, False)]
    for cover_type, label in zip(document["cover_types"], draw(st.sampled_from(pairs)), strict=False):
        cover_type["label"] = label
    del document["cover_types"][2:]


def _title(draw: st.DrawFn, document: Document) -> None:
    draw(st.sampled_from(document["cover_types"]))["title"] = draw(words.texts)


def _name(draw: st.DrawFn, document: Document) -> None:
    document["name"] = draw(words.texts)


def _unit(draw: st.DrawFn, document: Document) -> None:
    draw(st.sampled_from(document["columns"]))["unit"] = draw(words.texts)


def _values(draw: st.DrawFn, document: Document) -> None:
    values = draw(st.lists(words.texts, max_size=4))
    document["columns"].append({"name": "odd_site", "dtype": "category", "values": values})


def _range(draw: st.DrawFn, document: Document) -> None:
    column = draw(st.sampled_from(document["columns"]))
    for end in draw(st.sampled_from([("minimum",), ("maximum",), ("minimum", "maximum")])):
        near = [math.nan, -math.inf, math.inf, 0, 0.5, 30, 30.5, -128, 127, 2**53 + 1]
        column[end] = draw(st.sampled_from(near) if draw(st.integers(0, 2)) else words.numbers)


def _dtype(draw: st.DrawFn, document: Document) -> None:
    odd = [*dtypes.DTYPES, "int", "string", "bool", "Float64", "uint64", "float16", "", "int8 "]
    draw(st.sampled_from(document["columns"]))["dtype"] = draw(st.sampled_from(odd))


def _derived(draw: st.DrawFn, document: Document) -> None:
    names = [column["name"] for column in document["columns"]]
    operation = draw(st.sampled_from([*schemas.OPERATIONS, "square"]))
    of = draw(st.lists(st.sampled_from([*names, "nothing"]), max_size=3))
    name = draw(st.one_of(st.just("made"), words.texts, st.sampled_from(names)))
    document["derived"] = [{"name": name, "operation": operation, "of": of}]


def _key(draw: st.DrawFn, document: Document) -> None:
    """Remove a key, add one, or give one a value of another type."""
    place = draw(st.sampled_from([document, document["columns"][0], document["cover_types"][0]]))
    key = draw(st.sampled_from(sorted(place)))
    if draw(st.booleans()):
        place[draw(words.texts)] = 1
    elif draw(st.booleans()):
        del place[key]
    else:
        place[key] = draw(st.sampled_from([True, 1, -1.5, "", [], [[]], {}, [{}], [1], ["a"]]))


def _zero(draw: st.DrawFn, document: Document) -> None:
    document["labels_may_start_at_zero"] = draw(st.sampled_from([True, True, False]))


_CHANGES: dict[str, Callable[[st.DrawFn, Document], None]] = {
    change.__name__.strip("_"): change
    for change in (
        *(_column_name, _two_like_names, _target, _slug, _slug_is_a_label, _label, _two_like_labels, _title, _name),
        *(_unit, _values, _range, _dtype, _derived, _key, _zero),
    )
}
# The last one, because it removes keys that the others read.
_CHANGES["~key"] = _CHANGES.pop("key")
