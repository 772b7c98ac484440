"""Check the columns of a schema: names, dtypes, ranges and categories."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from steps.core import texts
from steps.schema.dtypes import DTYPES, value_range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steps.schema.model import Column, Schema

# Columns that the steps add to a table.
_RESERVED = {"split", "label", "row", "score"}


def find_problems(schema: Schema) -> Iterator[str]:
    """Yield the problems of the columns, one line each.

    The keys and the types of the values must have been checked before.
    """
    features = [*(column.name for column in schema.columns), *(feature.name for feature in schema.derived)]
    names = [*features, schema.target]
    if not schema.columns:
        yield "at least one column is needed"
    for name in names:
        yield from _name_problems(name)
    yield from (f"column {name!r} occurs twice" for name, times in Counter(names).items() if times > 1)
    yield from (f"column name {name!r} is reserved" for name in features if name in _RESERVED)
    if schema.target == "split":
        yield "column name 'split' is reserved"
    for column in schema.columns:
        if column.dtype not in DTYPES:
            yield f"unknown dtype {column.dtype!r} of column {column.name!r}, use one of {', '.join(DTYPES)}"
        yield from _category_problems(column) if column.categorical else _number_problems(column)


def _name_problems(name: str) -> Iterator[str]:
    """Yield the problems of a column's name. Files must be able to store it, and messages and pages to display it."""
    if not name:
        yield "a column has no name"
    elif name != name.strip():
        yield f"column name {name!r} begins or ends with a space"
    for character in name:
        if texts.is_unprintable(character):
            yield f"column name {name!r} contains {character!r}, a control character"


def _category_problems(column: Column) -> Iterator[str]:
    name = column.name
    if not column.values:
        yield f"column {name!r} is a category without values"
    yield from (f"value {v!r} of column {name!r} occurs twice" for v, n in Counter(column.values).items() if n > 1)
    if column.minimum is not None or column.maximum is not None:
        yield f"column {name!r} is a category, which has no minimum or maximum"


def _number_problems(column: Column) -> Iterator[str]:
    name, low, high = column.name, column.minimum, column.maximum
    if column.values:
        yield f"column {name!r} has values, so its dtype must be 'category'"
    for end, value in (("minimum", low), ("maximum", high)):
        if value is None:
            continue
        lowest, highest = value_range(column.dtype)
        if not math.isfinite(value):
            yield f"the {end} of column {name!r} is {value}, a finite number is needed"
        elif not lowest <= value <= highest:
            yield f"the {end} of column {name!r} is {value}, the range of {column.dtype} is {lowest} to {highest}"
    if low is not None and high is not None and low > high:
        yield f"the minimum of column {name!r} is above its maximum"
