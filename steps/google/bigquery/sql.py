"""SQL for preparing a table inside BigQuery: the canonical columns, checked and numbered, and one export a cover type.

A row's number is its position, from 0, when all rows are put in order by all their columns: those that are no floats
first (BigQuery counts no partitions of floats), in the schema's order, then the label and the split. Rows that are
equal in all of them are interchangeable, so the same rows always get the same numbers, however BigQuery stores them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.schema.dtypes import INTEGER_DTYPES
from steps.tables import LABEL, ROW, SPLIT, SPLITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from steps.schema import Column, CoverType, Schema
    from steps.sources.layouts import Layout

NUMBERED = "numbered"
_INTEGER, _BOOLEAN = ("INTEGER", "INT64"), ("BOOLEAN", "BOOL")
_START = "first_row"
# What BigQuery counts for a value: a number's bytes, and those that a string has besides its own.
_NUMBER_BYTES, _STRING_BYTES = 8, 2


@dataclass(frozen=True)
class Table:
    """What is read: ``rows`` is SQL after FROM, ``types`` are BigQuery's by column, ``shift`` is added to labels."""

    schema: Schema
    layout: Layout
    types: Mapping[str, str]
    rows: str
    shift: int

    def numbered(self) -> str:
        """Return a SELECT of the canonical columns, ``label`` with the cover type's own label, and ``row``.

        It ends with an error that names the column and the value where one does not fit the schema or is missing.
        """
        columns = [*self.schema.columns]
        listed = [f"{_expression(self, column)} AS {quoted(column.name)}" for column in columns]
        listed.append(f"{_label(self)} AS {quoted(LABEL)}")
        if self.layout.has_split:
            listed.append(f"{_known(quoted(SPLIT), map(literal, SPLITS), SPLIT)} AS {quoted(SPLIT)}")
        first, *others = _order(self)
        numbers = f"ROW_NUMBER() OVER (PARTITION BY {first}" + (f" ORDER BY {', '.join(others)})" if others else ")")
        # Names are quoted, values are literals.
        return f"""WITH canonical AS (SELECT {", ".join(listed)} FROM {self.rows}),
starts AS (SELECT {first}, SUM(COUNT(*)) OVER (ORDER BY {first}) - COUNT(*) AS {_START} FROM canonical GROUP BY {first})
SELECT canonical.*, starts.{_START} + {numbers} - 1 AS {quoted(ROW)} FROM canonical JOIN starts USING ({first})"""  # noqa: S608

    def script(self, exports: Mapping[str, str], labels_uri: str) -> str:
        """Return the statements that export a dataset a cover type, and ``row`` with ``label`` for all.

        Args:
            exports: where to by slug, each with one ``*``.
            labels_uri: the same for the labels.
        """
        features = [quoted(column.name) for column in self.schema.columns]
        split = [quoted(SPLIT)] if self.layout.has_split else []
        statements = [f"CREATE TEMP TABLE {NUMBERED} AS\n{self.numbered()}"]
        for slug, uri in exports.items():
            flag = f"IF({quoted(LABEL)} = {literal(self.schema.cover_type(slug).label)}, 1, 0) AS {quoted(LABEL)}"
            statements.append(_export(uri, [*features, flag, quoted(ROW), *split]))
        statements.append(_export(labels_uri, [quoted(ROW), quoted(LABEL)]))
        return ";\n".join(statements)

    def bytes_exported(self, rows: int, cover_types: int) -> int:
        """Return how many bytes the exports of so many rows read of what was numbered, at most."""
        names = [cover_type.label for cover_type in self.schema.cover_types]
        label = _NUMBER_BYTES if isinstance(names[0], int) else _longest(map(str, names))
        split = _longest(SPLITS) if self.layout.has_split else 0
        features = sum(_longest(c.values) if c.categorical else _NUMBER_BYTES for c in self.schema.columns)
        labels = label + _NUMBER_BYTES
        return rows * (cover_types * (features + split + labels) + labels)


def quoted(name: str) -> str:
    """Return a column's name as SQL."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def literal(value: float | str) -> str:
    """Return a value as SQL."""
    return json.dumps(value, ensure_ascii=False)


def _longest(values: Iterable[str]) -> int:
    return _STRING_BYTES + max(len(value.encode()) for value in values)


def _export(uri: str, listed: list[str]) -> str:
    options = f"uri = {literal(uri)}, format = 'PARQUET', compression = 'SNAPPY', overwrite = FALSE"
    return f"EXPORT DATA OPTIONS ({options}) AS\nSELECT {', '.join(listed)} FROM {NUMBERED}"


def _order(table: Table) -> list[str]:
    floats = {column.name for column in table.schema.columns if column.dtype.startswith("float")}
    names = [*(c.name for c in table.schema.columns), LABEL, *([SPLIT] if table.layout.has_split else [])]
    return [quoted(name) for name in sorted(names, key=floats.__contains__)]


def _checked(condition: str, value: str, given: str, name: str) -> str:
    """Return a value where a condition holds; a missing value is one for which none does."""
    said = f"CONCAT({literal(f'column {name!r} holds ')}, IFNULL(CAST({given} AS STRING), 'no value'))"
    return f"IF({condition}, {value}, ERROR({said}))"


def _known(given: str, values: Iterable[str], name: str, value: str = "") -> str:
    return _checked(f"{given} IN ({', '.join(values)})", value or given, given, name)


def _expression(table: Table, column: Column) -> str:
    given = quoted(column.name)
    if column.categorical and table.layout.one_hot:
        return _from_one_hot(table, column)
    if column.categorical:
        return _known(given, map(literal, column.values), column.name)
    return _number(column, given, table.types[column.name])


def _number(column: Column, given: str, kind: str) -> str:
    whole = column.dtype in INTEGER_DTYPES
    conditions = [f"{given} IS NOT NULL"]
    if column.minimum is not None:
        conditions.append(f"{given} >= {literal(column.minimum)}")
    if column.maximum is not None:
        conditions.append(f"{given} <= {literal(column.maximum)}")
    if whole and kind in _INTEGER:
        return _checked(" AND ".join(conditions), given, given, column.name)
    conditions.append(f"{given} = TRUNC({given})" if whole else f"NOT IS_NAN(CAST({given} AS FLOAT64))")
    return _checked(" AND ".join(conditions), f"CAST({given} AS {'INT64' if whole else 'FLOAT64'})", given, column.name)


def _from_one_hot(table: Table, column: Column) -> str:
    """Return the category whose flag is the only 1: the sum and the largest are 1, the smallest is 0."""
    names = table.layout.one_hot_columns(column)
    flags = [f"CAST({quoted(n)} AS INT64)" if table.types[n] in _BOOLEAN else quoted(n) for n in names]
    together = ", ".join(flags)
    condition = f"{' + '.join(flags)} = 1 AND GREATEST({together}) = 1 AND LEAST({together}) = 0"
    cases = " ".join(f"WHEN {flag} = 1 THEN {literal(v)}" for flag, v in zip(flags, column.values, strict=True))
    return _checked(condition, f"CASE {cases} END", " + ".join(flags), f"{column.name}{table.layout.separator}*")


def _label(table: Table) -> str:
    given, labels = quoted(table.schema.target), [_before(table, each) for each in table.schema.cover_types]
    if isinstance(table.schema.cover_types[0].label, str):
        return _known(given, labels, table.schema.target)
    return _known(given, labels, table.schema.target, f"CAST({given} AS INT64) + {table.shift}")


def _before(table: Table, cover_type: CoverType) -> str:
    """Return a cover type's label as the source has it."""
    return literal(cover_type.label if isinstance(cover_type.label, str) else cover_type.label - table.shift)
