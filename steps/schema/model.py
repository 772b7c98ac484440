"""A table's schema: its feature columns, target, cover types and derived features. Standard library only."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from functools import cached_property

from steps.core.errors import UsageError


@dataclass(frozen=True)
class Column:
    """A feature column: its dtype, and the range or the set of values it may hold."""

    name: str
    dtype: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()

    @property
    def categorical(self) -> bool:
        """Whether the column holds one of ``values`` and not a number."""
        return self.dtype == "category"


@dataclass(frozen=True)
class CoverType:
    """A class: its label in the target column, and the slug that names its dataset, models and tasks."""

    label: int | str
    slug: str
    title: str

    @property
    def partition(self) -> str:
        """The folder of its published dataset: named by its label, by its slug where labels are texts."""
        return f"cover_type={self.label if isinstance(self.label, int) else self.slug}"


@dataclass(frozen=True)
class Derived:
    """A feature computed from numeric columns of the same row."""

    name: str
    operation: str
    of: tuple[str, ...]


@dataclass(frozen=True)
class Schema:
    """What a table must look like.

    ``columns`` are the features in order, ``target`` names the column that holds a label of ``cover_types``.
    """

    name: str
    target: str
    columns: tuple[Column, ...]
    cover_types: tuple[CoverType, ...]
    derived: tuple[Derived, ...] = ()
    labels_may_start_at_zero: bool = False
    builtin_table: str = ""
    _names: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the columns by name."""
        object.__setattr__(self, "_names", {column.name: column for column in self.columns})

    def column(self, name: str) -> Column:
        """Return the feature column called ``name``; KeyError where there is none."""
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
        """Return the cover type with this slug or label; UsageError where there is none."""
        for cover_type in self.cover_types:
            if key.strip() in {cover_type.slug, str(cover_type.label).strip()}:
                return cover_type
        known = ", ".join(f"{cover_type.label} {cover_type.slug}" for cover_type in self.cover_types)
        raise UsageError(f"unknown cover type {key!r}", fix=f"use some of: {known}")

    def to_json(self) -> str:
        """Return the schema as one line of JSON, which :func:`steps.schema.from_json` reads back as an equal schema."""
        document = {part.name: getattr(self, part.name) for part in fields(self) if part.init}
        return json.dumps(document, default=vars, separators=(",", ":"))
