"""Recognise the layout of a source table by its columns.

1. canonical: the columns of the schema and the target.
2. canonical with labels that start at zero (the public BigQuery table).
3. one-hot: each category as 0/1 columns ``NAME_0 NAME_1 ...`` (scikit-learn), or without a header (UCI).
4. kaggle: as one-hot, counted from 1: ``NAME1 NAME2 ...``, usually with an ``Id`` column (Kaggle, ucimlrepo).

A column that numbers the rows (``Id``, or a first column without a name) is left out.
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

# Names of a first column without a name; pandas gives it the second one.
_UNNAMED = ("", "Unnamed: 0")
_INT16_VALUES = 2**15
# The largest number of columns in a message.
_MOST_NAMED = 3


@dataclass(frozen=True)
class Layout:
    """The mapping of a source's columns to the columns of the schema.

    Attributes:
        name: ``canonical``, ``one-hot`` or ``kaggle``.
        one_hot: Whether categories are one-hot columns.
        has_split: Whether there is a ``split`` column.
        separator: The text between the name of a category and the number of a one-hot column.
        first: The number of the first one-hot column of a category.
        left_out: The columns that number the rows.
    """

    name: str
    one_hot: bool
    has_split: bool
    separator: str = "_"
    first: int = 0
    left_out: tuple[str, ...] = ()

    def one_hot_columns(self, column: Column) -> list[str]:
        """Return the names of a category's one-hot columns, in the order of its values."""
        return [f"{column.name}{self.separator}{i}" for i in range(self.first, self.first + len(column.values))]

    def feature_columns(self, schema: Schema) -> list[str]:
        """Return the names of all feature columns, in the order of the schema."""
        if not self.one_hot:
            return [column.name for column in schema.columns]
        nested = (self.one_hot_columns(column) if column.categorical else [column.name] for column in schema.columns)
        return [name for names in nested for name in names]


_LAYOUTS = (
    Layout("canonical", one_hot=False, has_split=False),
    Layout("one-hot", one_hot=True, has_split=False),
    Layout("one-hot", one_hot=True, has_split=False, separator=""),
    Layout("kaggle", one_hot=True, has_split=False, separator="", first=1),
    Layout("kaggle", one_hot=True, has_split=False, first=1),
)


def possible_layouts(schema: Schema) -> Iterator[tuple[Layout, list[str]]]:
    """Yield the layouts that a table of the schema may have, each with its column names, the target last.

    A layout in which two columns have the same name is not possible.
    """
    for layout in _LAYOUTS:
        names = [*layout.feature_columns(schema), schema.target]
        if (not layout.one_hot or schema.categorical) and len(set(names)) == len(names):
            yield layout, names


def one_hot_names(schema: Schema) -> list[str]:
    """Return the column names of the one-hot layout without the target, in the order of UCI's headerless file."""
    return _LAYOUTS[1].feature_columns(schema)


def headerless_names(schema: Schema, count: int, where: str, *, labelled: bool = True) -> list[str]:
    """Return the column names of a file without a header.

    Args:
        schema: The schema of the source.
        count: The number of columns of the file.
        where: The file, for error messages.
        labelled: Whether there must be labels. The target is the last column, and the only one that may be absent.

    Raises:
        BadDataError: No layout has this number of columns.
    """
    counts = []
    for _, names in possible_layouts(schema):
        for wanted in (names,) if labelled else (names, names[:-1]):
            if count == len(wanted):
                return wanted
            counts.append(len(wanted))
    expected = " or ".join(map(str, sorted(set(counts))))
    what = f"{count} columns without a header, where {expected} are expected"
    raise BadDataError(what, where=where, fix="add a header")


def is_header(schema: Schema, cells: Sequence[str]) -> bool:
    """Return whether the first line of a file is a header: it has no numbers, or more known names than numbers."""
    known = {name for _, names in possible_layouts(schema) for name in names}
    numbers = sum(_is_number(cell) for cell in cells if cell not in known)
    return not numbers or sum(cell in known for cell in cells) > numbers


def recognise_layout(schema: Schema, names: Sequence[str], where: str) -> Layout:
    """Return the layout of a table with these column names, in any order.

    Args:
        schema: The schema of the source.
        names: The column names of the source.
        where: The source, for error messages.

    Raises:
        BadDataError: A column is missing or unknown, or occurs twice. The message names it.
    """
    for name, times in Counter(names).items():
        if times > 1 and name:
            raise BadDataError(f"column {name!r} occurs twice", where=where, fix="rename or drop one")
    layouts = list(possible_layouts(schema))
    known = {name for _, wanted in layouts for name in wanted}
    numbering = [name not in known and numbers_rows(name, at) for at, name in enumerate(names)]
    left_out = tuple(compress(names, numbering))
    given = [name for name, leave in zip(names, numbering, strict=True) if not leave]
    present = set(given) - {SPLIT}
    for layout, wanted in layouts:
        if present == set(wanted):
            return replace(layout, has_split=SPLIT in names, left_out=left_out)
    # If two layouts fit equally well, take the one that counts from 1: a column with number 0 would decide for 0.
    best = max(layouts, key=lambda layout: (len(present & set(layout[1])), not layout[0].one_hot, layout[0].first))
    raise _misfit_error(best[1], [name for name in given if name != SPLIT], where)


def recognise_features(schema: Schema, names: Sequence[str], where: str) -> Layout:
    """Return the layout of the features in a table with these column names, which may have other columns too.

    Args:
        schema: The schema of the source.
        names: The column names of the source.
        where: The source, for error messages.

    Raises:
        BadDataError: A feature column is missing or occurs twice. The message names it.
    """
    layouts = [(layout, wanted[:-1]) for layout, wanted in possible_layouts(schema)]
    for layout, wanted in layouts:
        if set(wanted) <= set(names):
            for name in wanted:
                if names.count(name) > 1:
                    raise BadDataError(f"column {name!r} occurs twice", where=where, fix="rename or drop one")
            return layout
    present = set(names)
    best = max(layouts, key=lambda layout: (len(present & set(layout[1])), not layout[0].one_hot, layout[0].first))
    raise _misfit_error(best[1], [name for name in names if name not in {SPLIT, schema.target}], where)


def numbers_rows(name: str, at: int) -> bool:
    """Return whether a column that is not in the schema numbers the rows: an id, or the index of a data frame.

    Args:
        name: The name of the column.
        at: Its position in the source.
    """
    return name.casefold() == "id" or (at == 0 and name in _UNNAMED)


def source_columns(schema: Schema, layout: Layout) -> list[str]:
    """Return the source columns that ``canonical.canonical_columns`` needs, without the target."""
    return [*layout.feature_columns(schema), *([SPLIT] if layout.has_split else [])]


def dictionary_type(column: Column) -> pa.DictionaryType:
    """Return the Arrow type of a category: strings with int16 codes, or int32 codes for more than 32,768 values."""
    return pa.dictionary(pa.int16() if len(column.values) <= _INT16_VALUES else pa.int32(), pa.string())


def feature_fields(schema: Schema) -> list[pa.Field]:
    """Return the Arrow fields of the canonical feature columns. Categories are dictionaries of strings."""
    return [
        pa.field(c.name, dictionary_type(c) if c.categorical else pa.type_for_alias(c.dtype)) for c in schema.columns
    ]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.lower() != "nan"


def _misfit_error(wanted: Sequence[str], given: Sequence[str], where: str) -> BadDataError:
    """Return the error for columns that fit no layout; ``wanted`` are the columns of the layout that fits best."""
    known, present = set(wanted), set(given)
    missing = [name for name in wanted if name not in present]
    extra = [name for name in given if name not in known]
    if "" in extra:
        at = given.index("") + 1
        what = "the last column" if at == len(given) else f"column {at}"
        fix = "check for a comma at the end of the lines" if at == len(given) else "name it as the schema does"
        return BadDataError(f"{what} has no name", where=where, fix=fix)
    if missing and extra:
        return _misnamed_error(missing, extra, where)
    them = "it" if len(missing or extra) == 1 else "them"
    if missing:
        return BadDataError(_column_clause(missing, "missing"), where=where, fix=f"add {them}")
    fix = f"drop {them}, or add {them} to the schema"
    return BadDataError(_column_clause(extra, "not in the schema"), where=where, fix=fix)


def _misnamed_error(missing: Sequence[str], extra: Sequence[str], where: str) -> BadDataError:
    """Return the error for missing and unknown columns. It suggests a new name if two of them are similar."""
    close = ((name, spelling.nearest_name(name, extra)) for name in missing[:_MOST_NAMED])
    name, given = next((pair for pair in close if pair[1]), (missing[0], None))
    if len(missing) == len(extra) == 1:
        given = extra[0]
    if given is None:
        what = f"{_column_clause(missing, 'missing')} and {_column_clause(extra, 'not in the schema')}"
        return BadDataError(what, where=where, fix="name them as the schema does, check --schema, or add a header")
    what = f"{_column_clause([name], 'missing')} and {_column_clause([given], 'not in the schema')}"
    return BadDataError(what, where=where, fix=f"rename {given!r} to {name!r}?")


def _column_clause(names: Sequence[str], predicate: str) -> str:
    """Return a clause such as ``columns 'a', 'b' are missing``, in which only the first few columns are named."""
    listed = ", ".join(spelling.quote(name) for name in names[:_MOST_NAMED])
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"column{'s' * (len(names) > 1)} {listed}{more} {'are' if len(names) > 1 else 'is'} {predicate}"
