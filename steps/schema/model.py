"""The dataclasses of a schema: feature columns, target, cover types and derived features.

This module imports the standard library only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from functools import cached_property

from steps.core.errors import UsageError


@dataclass(frozen=True)
class Column:
    """A feature column: its dtype, and the range or the set of its allowed values.

    Attributes:
        name: The name of the column in the source.
        dtype: One of ``steps.schema.dtypes.DTYPES``.
        unit: The unit of a number, for the report.
        minimum: The smallest allowed number; None for the smallest of the dtype.
        maximum: The largest allowed number; None for the largest of the dtype.
        values: The allowed values of a category, in a meaningful order.
    """

    name: str
    dtype: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()

    @property
    def categorical(self) -> bool:
        """Whether the column contains one of ``values`` instead of a number."""
        return self.dtype == "category"


@dataclass(frozen=True)
class CoverType:
    """A class: its label in the target column, the slug that names its dataset, model and tasks, and its title."""

    label: int | str
    slug: str
    title: str

    @property
    def partition(self) -> str:
        """The folder of the published dataset: named by the label, or by the slug if labels are strings."""
        return f"cover_type={self.label if isinstance(self.label, int) else self.slug}"


@dataclass(frozen=True)
class Derived:
    """A feature that is computed from the numeric columns ``of`` of the same row."""

    name: str
    operation: str
    of: tuple[str, ...]


@dataclass(frozen=True)
class Slice:
    """A division of the rows by a categorical column. Metrics of each part show where a model is worse than on average.

    Attributes:
        name: The name of the division.
        of: The categorical column.
        prefix: The number of first characters of a value that name its part; 0 for the whole value.
    """

    name: str
    of: str
    prefix: int = 0

    def part(self, value: str) -> str:
        """Return the name of the part that a value of the column belongs to."""
        return value[: self.prefix] if self.prefix else value


@dataclass(frozen=True)
class Schema:
    """The description of a table.

    Attributes:
        name: The name of the table, for the report.
        target: The column with the label of each row's cover type.
        columns: The feature columns in order.
        cover_types: The classes in order.
        derived: Features that ``preprocess`` adds.
        labels_may_start_at_zero: Whether a source may count its labels from 0 although the schema counts from 1.
        builtin_table: The file below ``steps/data`` that ``builtin:`` names; empty if there is none.
        slices: Divisions of the test rows; none for the categorical columns, see ``steps.tables.slices``.
    """

    name: str
    target: str
    columns: tuple[Column, ...]
    cover_types: tuple[CoverType, ...]
    derived: tuple[Derived, ...] = ()
    labels_may_start_at_zero: bool = False
    builtin_table: str = ""
    slices: tuple[Slice, ...] = ()
    _names: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the columns by name."""
        object.__setattr__(self, "_names", {column.name: column for column in self.columns})

    def column(self, name: str) -> Column:
        """Return the feature column with this name; KeyError if there is none."""
        return self._names[name]

    @cached_property
    def numeric(self) -> tuple[str, ...]:
        """Names of the numeric columns, in order."""
        return tuple(column.name for column in self.columns if not column.categorical)

    @cached_property
    def categorical(self) -> tuple[str, ...]:
        """Names of the categorical columns, in order."""
        return tuple(column.name for column in self.columns if column.categorical)

    @cached_property
    def slugs(self) -> tuple[str, ...]:
        """Slugs of all cover types, in the order of the file."""
        return tuple(cover_type.slug for cover_type in self.cover_types)

    def cover_type(self, key: str) -> CoverType:
        """Return the cover type with this slug or label; UsageError if there is none."""
        for cover_type in self.cover_types:
            if key.strip() in {cover_type.slug, str(cover_type.label).strip()}:
                return cover_type
        known = ", ".join(f"{cover_type.label} {cover_type.slug}" for cover_type in self.cover_types)
        raise UsageError(f"unknown cover type {key!r}", fix=f"use some of: {known}")

    def to_json(self) -> str:
        """Return the schema as one line of JSON, for :func:`steps.schema.from_json`."""
        document = {part.name: getattr(self, part.name) for part in fields(self) if part.init}
        return json.dumps(document, default=vars, separators=(",", ":"))
