"""The layouts a source table may have, distinguished by its columns.

1. canonical: the schema's columns and the target;
2. the same with labels that start at zero (the public BigQuery table);
3. one-hot: each category as 0/1 columns ``NAME_0 NAME_1 ...`` (scikit-learn) or without any header (UCI);
4. kaggle: the same counted from 1, ``NAME1 NAME2 ...``, usually with an ``Id`` column (Kaggle, ucimlrepo).

A column that numbers the rows (``Id``, or the first one where it has no name) is left out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import compress
from typing import TYPE_CHECKING

import pyarrow as pa

from steps.core.errors import BadDataError
from steps.tables import SPLIT, spelling

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from steps.schema import Column, Schema

# What pandas calls a column without a name when it reads one.
_UNNAMED = ("", "Unnamed: 0")
_INT16_VALUES = 2**15
# Columns that a message names before it counts the others.
_NAMED = 3


@dataclass(frozen=True)
class Shape:
    """How the columns of a source map to the canonical ones.

    ``separator`` and ``first`` make the names of one-hot columns; ``left_out`` are columns that number the rows.
    """

    name: str
    one_hot: bool
    has_split: bool
    separator: str = "_"
    first: int = 0
    left_out: tuple[str, ...] = ()

    def flags(self, column: Column) -> list[str]:
        """Return the names of a category's one-hot columns, in the order of its values."""
        return [f"{column.name}{self.separator}{i}" for i in range(self.first, self.first + len(column.values))]

    def names(self, schema: Schema) -> list[str]:
        """Return the names of all feature columns, in the order of the schema."""
        if not self.one_hot:
            return [column.name for column in schema.columns]
        nested = (self.flags(column) if column.categorical else [column.name] for column in schema.columns)
        return [name for names in nested for name in names]


_SHAPES = (
    Shape("canonical", one_hot=False, has_split=False),
    Shape("one-hot", one_hot=True, has_split=False),
    Shape("one-hot", one_hot=True, has_split=False, separator=""),
    Shape("kaggle", one_hot=True, has_split=False, separator="", first=1),
    Shape("kaggle", one_hot=True, has_split=False, first=1),
)


def possible(schema: Schema) -> Iterator[tuple[Shape, list[str]]]:
    """Yield the layouts that a table of the schema may have, each with its column names, the target last."""
    for shape in _SHAPES:
        names = [*shape.names(schema), schema.target]
        # A layout in which two columns have one name could not be read back.
        if (not shape.one_hot or schema.categorical) and len(set(names)) == len(names):
            yield shape, names


def one_hot_names(schema: Schema) -> list[str]:
    """Return the column names of the one-hot layout, in the order of UCI's headerless file, without the target."""
    return _SHAPES[1].names(schema)


def headerless_names(schema: Schema, count: int, where: str) -> list[str]:
    """Return the names of a headerless file's ``count`` columns; BadDataError where no layout has as many."""
    counts = []
    for _, names in possible(schema):
        if count == len(names):
            return names
        counts.append(len(names))
    expected = " or ".join(map(str, sorted(set(counts))))
    what = f"{count} columns without a header, where {expected} are expected"
    raise BadDataError(what, where=where, fix="add a header")


def is_header(schema: Schema, cells: Sequence[str]) -> bool:
    """Whether a file's first line holds column names: one with as many numbers as known names does not."""
    known = {name for _, names in possible(schema) for name in names}
    numbers = sum(_is_number(cell) for cell in cells if cell not in known)
    return not numbers or sum(cell in known for cell in cells) > numbers


def recognise(schema: Schema, names: Sequence[str], where: str) -> Shape:
    """Tell the layout from the column names, whose order does not matter.

    Raises:
        BadDataError: a column is missing, unknown or there twice; the message names it.
    """
    for name, times in Counter(names).items():
        if times > 1 and name:
            raise BadDataError(f"column {name!r} is there twice", where=where, fix="rename or drop one")
    layouts = list(possible(schema))
    known = {name for _, wanted in layouts for name in wanted}
    numbering = [name not in known and numbers_rows(name, at) for at, name in enumerate(names)]
    left_out = tuple(compress(names, numbering))
    given = [name for name, leave in zip(names, numbering, strict=True) if not leave]
    present = set(given) - {SPLIT}
    for shape, wanted in layouts:
        if present == set(wanted):
            return replace(shape, has_split=SPLIT in names, left_out=left_out)
    # Of two layouts that fit alike, the one from 1: with a column of number 0, that from 0 would fit better.
    best = max(layouts, key=lambda layout: (len(present & set(layout[1])), not layout[0].one_hot, layout[0].first))
    raise _misfit(best[1], [name for name in given if name != SPLIT], where)


def numbers_rows(name: str, at: int) -> bool:
    """Whether a column that the schema does not know only numbers the rows: an id, or pandas' index without a name."""
    return name.casefold() == "id" or (at == 0 and name in _UNNAMED)


def columns_of(schema: Schema, shape: Shape) -> list[str]:
    """Return the source columns that ``canonical.columns`` needs, without the target."""
    return [*shape.names(schema), *([SPLIT] if shape.has_split else [])]


def dictionary_of(column: Column) -> pa.DictionaryType:
    """Return the Arrow type of a category: int16 codes where they hold all values, as they do in most tables."""
    return pa.dictionary(pa.int16() if len(column.values) <= _INT16_VALUES else pa.int32(), pa.string())


def feature_fields(schema: Schema) -> list[pa.Field]:
    """Return the arrow fields of the canonical feature columns; categories are dictionaries of strings."""
    return [pa.field(c.name, dictionary_of(c) if c.categorical else pa.type_for_alias(c.dtype)) for c in schema.columns]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.lower() != "nan"


def _misfit(wanted: Sequence[str], given: Sequence[str], where: str) -> BadDataError:
    """Return the error for columns that fit no layout, ``wanted`` being those of the one that fits best."""
    known, present = set(wanted), set(given)
    missing = [name for name in wanted if name not in present]
    extra = [name for name in given if name not in known]
    if "" in extra:
        at = given.index("") + 1
        what = "the last column" if at == len(given) else f"column {at}"
        fix = "is there a comma too many at the end of the lines?" if at == len(given) else "name it as the schema does"
        return BadDataError(f"{what} has no name", where=where, fix=fix)
    if missing and extra:
        return _misnamed(missing, extra, where)
    them = "it" if len(missing or extra) == 1 else "them"
    if missing:
        return BadDataError(_listed(missing, "missing"), where=where, fix=f"add {them}")
    fix = f"drop {them}, or add {them} to the schema"
    return BadDataError(_listed(extra, "not in the schema"), where=where, fix=fix)


def _misnamed(missing: Sequence[str], extra: Sequence[str], where: str) -> BadDataError:
    """Return the error for columns that may have other names than the schema's; advice is given where one is close."""
    close = ((name, spelling.nearest_name(name, extra)) for name in missing[:_NAMED])
    name, given = next((pair for pair in close if pair[1]), (missing[0], None))
    if len(missing) == len(extra) == 1:
        given = extra[0]
    if given is None:
        what = f"{_listed(missing, 'missing')} and {_listed(extra, 'not in the schema')}"
        return BadDataError(what, where=where, fix="name them as the schema does, check --schema, or add a header")
    what = f"{_listed([name], 'missing')} and {_listed([given], 'not in the schema')}"
    return BadDataError(what, where=where, fix=f"rename {given!r} to {name!r}?")


def _listed(names: Sequence[str], what: str) -> str:
    """Return a clause about columns, of which the first few are named."""
    shown = ", ".join(spelling.quote(name) for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"column{'s' * (len(names) > 1)} {shown}{more} {'are' if len(names) > 1 else 'is'} {what}"
