"""SQL to prepare a table inside BigQuery: canonical columns, checked and numbered, and an export for each cover type.

The number of a row is its position, from 0, when the rows are sorted by all columns: first the columns that are not
floats (BigQuery has no partitions by floats) in the order of the schema, then the label and the split, then the
floats. Equal rows are interchangeable, so the same rows always get the same numbers.
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
# The bytes that BigQuery counts for a number, and for a string in addition to its own bytes.
_NUMBER_BYTES, _STRING_BYTES = 8, 2


@dataclass(frozen=True)
class SourceTable:
    """The source of the SQL.

    Attributes:
        schema: The schema of the source.
        layout: The layout of the source.
        types: The type in BigQuery of each column by name.
        rows: The SQL after FROM.
        shift: The number to add to the labels of the source.
    """

    schema: Schema
    layout: Layout
    types: Mapping[str, str]
    rows: str
    shift: int

    def numbered(self) -> str:
        """Return a SELECT of the canonical columns, ``label`` (the label of the schema) and ``row``.

        The query fails if a value is missing or does not fit the schema. Its error names the column and the value.
        """
        columns = [*self.schema.columns]
        listed = [f"{_column_expression(self, column)} AS {quote_identifier(column.name)}" for column in columns]
        listed.append(f"{_label_expression(self)} AS {quote_identifier(LABEL)}")
        if self.layout.has_split:
            listed.append(
                f"{_known_value(quote_identifier(SPLIT), map(literal, SPLITS), SPLIT)} AS {quote_identifier(SPLIT)}"
            )
        first, *others = _sort_columns(self)
        numbers = f"ROW_NUMBER() OVER (PARTITION BY {first}" + (f" ORDER BY {', '.join(others)})" if others else ")")
        row = quote_identifier(ROW)
        # All names are quoted, and all values are literals.
        return f"""WITH canonical AS (SELECT {", ".join(listed)} FROM {self.rows}),
starts AS (SELECT {first}, SUM(COUNT(*)) OVER (ORDER BY {first}) - COUNT(*) AS {_START} FROM canonical GROUP BY {first})
SELECT canonical.*, starts.{_START} + {numbers} - 1 AS {row} FROM canonical JOIN starts USING ({first})"""  # noqa: S608

    def script(self, exports: Mapping[str, str], labels_uri: str) -> str:
        """Return the statements that export the dataset of each cover type, and ``row`` and ``label`` of all rows.

        Args:
            exports: The address of each dataset by slug, with one ``*``.
            labels_uri: The address of the labels, with one ``*``.
        """
        features = [quote_identifier(column.name) for column in self.schema.columns]
        split = [quote_identifier(SPLIT)] if self.layout.has_split else []
        label, row = quote_identifier(LABEL), quote_identifier(ROW)
        statements = [f"CREATE TEMP TABLE {NUMBERED} AS\n{self.numbered()}"]
        for slug, uri in exports.items():
            flag = f"IF({label} = {literal(self.schema.cover_type(slug).label)}, 1, 0) AS {label}"
            statements.append(_export_statement(uri, [*features, flag, row, *split]))
        statements.append(_export_statement(labels_uri, [row, label]))
        return ";\n".join(statements)

    def bytes_exported(self, rows: int, cover_types: int) -> int:
        """Return the largest number of bytes that the exports read from the temporary table.

        Args:
            rows: The number of rows of the source.
            cover_types: The number of datasets.
        """
        names = [cover_type.label for cover_type in self.schema.cover_types]
        label = _NUMBER_BYTES if isinstance(names[0], int) else _longest_bytes(map(str, names))
        split = _longest_bytes(SPLITS) if self.layout.has_split else 0
        features = sum(_longest_bytes(c.values) if c.categorical else _NUMBER_BYTES for c in self.schema.columns)
        labels = label + _NUMBER_BYTES
        return rows * (cover_types * (features + split + labels) + labels)


def quote_identifier(name: str) -> str:
    """Return a name as a quoted identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def literal(value: float | str) -> str:
    """Return a value as a literal."""
    return json.dumps(value, ensure_ascii=False)


def _longest_bytes(values: Iterable[str]) -> int:
    return _STRING_BYTES + max(len(value.encode()) for value in values)


def _export_statement(uri: str, listed: list[str]) -> str:
    options = f"uri = {literal(uri)}, format = 'PARQUET', compression = 'SNAPPY', overwrite = FALSE"
    return f"EXPORT DATA OPTIONS ({options}) AS\nSELECT {', '.join(listed)} FROM {NUMBERED}"


def _sort_columns(table: SourceTable) -> list[str]:
    floats = {column.name for column in table.schema.columns if column.dtype.startswith("float")}
    names = [*(c.name for c in table.schema.columns), LABEL, *([SPLIT] if table.layout.has_split else [])]
    return [quote_identifier(name) for name in sorted(names, key=floats.__contains__)]


def _checked_value(condition: str, value: str, given: str, name: str) -> str:
    """Return a value if a condition is true, and an error otherwise. It is not true for a missing value."""
    message = f"CONCAT({literal(f'column {name!r} holds ')}, IFNULL(CAST({given} AS STRING), 'no value'))"
    return f"IF({condition}, {value}, ERROR({message}))"


def _known_value(given: str, values: Iterable[str], name: str, value: str = "") -> str:
    return _checked_value(f"{given} IN ({', '.join(values)})", value or given, given, name)


def _column_expression(table: SourceTable, column: Column) -> str:
    given = quote_identifier(column.name)
    if column.categorical and table.layout.one_hot:
        return _one_hot_expression(table, column)
    if column.categorical:
        return _known_value(given, map(literal, column.values), column.name)
    return _number_expression(column, given, table.types[column.name])


def _number_expression(column: Column, given: str, kind: str) -> str:
    whole = column.dtype in INTEGER_DTYPES
    conditions = [f"{given} IS NOT NULL"]
    if column.minimum is not None:
        conditions.append(f"{given} >= {literal(column.minimum)}")
    if column.maximum is not None:
        conditions.append(f"{given} <= {literal(column.maximum)}")
    if whole and kind in _INTEGER:
        return _checked_value(" AND ".join(conditions), given, given, column.name)
    conditions.append(f"{given} = TRUNC({given})" if whole else f"NOT IS_NAN(CAST({given} AS FLOAT64))")
    return _checked_value(
        " AND ".join(conditions), f"CAST({given} AS {'INT64' if whole else 'FLOAT64'})", given, column.name
    )


def _one_hot_expression(table: SourceTable, column: Column) -> str:
    """Return the category whose column is the only 1. The sum and the largest value are then 1, the smallest is 0."""
    names = table.layout.one_hot_columns(column)
    flags = [
        f"CAST({quote_identifier(n)} AS INT64)" if table.types[n] in _BOOLEAN else quote_identifier(n) for n in names
    ]
    together = ", ".join(flags)
    condition = f"{' + '.join(flags)} = 1 AND GREATEST({together}) = 1 AND LEAST({together}) = 0"
    cases = " ".join(f"WHEN {flag} = 1 THEN {literal(v)}" for flag, v in zip(flags, column.values, strict=True))
    return _checked_value(condition, f"CASE {cases} END", " + ".join(flags), f"{column.name}{table.layout.separator}*")


def _label_expression(table: SourceTable) -> str:
    given, labels = (
        quote_identifier(table.schema.target),
        [_source_label(table, each) for each in table.schema.cover_types],
    )
    if isinstance(table.schema.cover_types[0].label, str):
        return _known_value(given, labels, table.schema.target)
    return _known_value(given, labels, table.schema.target, f"CAST({given} AS INT64) + {table.shift}")


def _source_label(table: SourceTable, cover_type: CoverType) -> str:
    """Return the label of a cover type in the source."""
    return literal(cover_type.label if isinstance(cover_type.label, str) else cover_type.label - table.shift)
