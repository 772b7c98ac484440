"""What can be wrong with the columns of a schema."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from steps.core import texts
from steps.schema.dtypes import DTYPES, holds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from steps.schema.model import Column, Schema

# Columns that the steps add to a table.
_RESERVED = {"split", "label", "row", "score"}


def problems(schema: Schema) -> Iterator[str]:
    """Yield what is wrong with the columns of a schema whose keys and types are right."""
    made = [*(column.name for column in schema.columns), *(feature.name for feature in schema.derived)]
    taken = [*made, schema.target]
    if not schema.columns:
        yield "at least one column is needed"
    for name in taken:
        yield from _name_problems(name)
    yield from (f"column {name!r} is there twice" for name, times in Counter(taken).items() if times > 1)
    yield from (f"column name {name!r} is reserved" for name in made if name in _RESERVED)
    if schema.target == "split":
        yield "column name 'split' is reserved"
    for column in schema.columns:
        if column.dtype not in DTYPES:
            yield f"unknown dtype {column.dtype!r} of column {column.name!r}, use one of {', '.join(DTYPES)}"
        yield from _category_problems(column) if column.categorical else _number_problems(column)


def _name_problems(name: str) -> Iterator[str]:
    """Yield what is wrong with a column's name: files could not hold it, or no message or page could show it."""
    if not name:
        yield "a column has no name"
    elif name != name.strip():
        yield f"column name {name!r} begins or ends with a space"
    for character in name:
        if texts.is_unprintable(character):
            yield f"column name {name!r} holds {character!r}, a control character"


def _category_problems(column: Column) -> Iterator[str]:
    name = column.name
    if not column.values:
        yield f"column {name!r} is a category without values"
    yield from (f"value {v!r} of column {name!r} is there twice" for v, n in Counter(column.values).items() if n > 1)
    if column.minimum is not None or column.maximum is not None:
        yield f"column {name!r} is a category, which has no minimum or maximum"


def _number_problems(column: Column) -> Iterator[str]:
    name, low, high = column.name, column.minimum, column.maximum
    if column.values:
        yield f"column {name!r} has values, for which its dtype must be 'category'"
    for end, value in (("minimum", low), ("maximum", high)):
        if value is None:
            continue
        lowest, highest = holds(column.dtype)
        if not math.isfinite(value):
            yield f"the {end} of column {name!r} is {value}, a finite number is needed"
        elif not lowest <= value <= highest:
            yield f"the {end} of column {name!r} is {value}, {column.dtype} holds {lowest} to {highest}"
    if low is not None and high is not None and low > high:
        yield f"the minimum of column {name!r} is above its maximum"
