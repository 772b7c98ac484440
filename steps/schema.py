"""The table's schema as data: columns, dtypes, ranges, classes and derived features, read from one TOML file.

Another table is another file; nothing else in the project names a column. This module imports the standard library
only, because the workflow side uses it for the slugs of the cover types.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from steps.errors import BadConfigurationError, NoInputError

BUILTIN = "covertype"
DATA = Path(__file__).parent / "data"
INTEGER_DTYPES = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")
DTYPES = (*INTEGER_DTYPES, "float32", "float64", "category")
OPERATIONS = {
    "sum": 2,
    "difference": 2,
    "absolute_difference": 2,
    "hypot": 2,
    "product": 2,
    "ratio": 2,
    "mean": None,
    "sine": 1,
    "cosine": 1,
}
# Longest slug: with the longest step's name before it, it must fit the 63 characters of a Kubernetes name.
_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


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


@dataclass(frozen=True)
class Derived:
    """A feature computed from numeric columns of the same row."""

    name: str
    operation: str
    of: tuple[str, ...]


@dataclass(frozen=True)
class Schema:
    """What a table must look like: ``columns`` are the features in order, ``target`` holds a label of ``cover_types``."""

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
        """Return the cover type with this slug or label; BadConfigurationError where there is none."""
        for cover_type in self.cover_types:
            if key in {cover_type.slug, str(cover_type.label)}:
                return cover_type
        known = ", ".join(f"{cover_type.label} {cover_type.slug}" for cover_type in self.cover_types)
        raise BadConfigurationError(f"unknown cover type {key!r}", fix=f"use some of: {known}")

    def to_json(self) -> str:
        """Return the schema as one line of JSON, which :func:`from_json` reads back as an equal schema."""
        document = asdict(self)
        del document["_names"]
        return json.dumps(document, separators=(",", ":"))


def from_json(text: str) -> Schema:
    """Read what :meth:`Schema.to_json` wrote."""
    return _parse(json.loads(text), where="schema in the table's metadata")


def load(reference: str) -> Schema:
    """Read a schema file: ``covertype`` is the one that comes with the project, anything else is a path.

    Raises:
        NoInputError: the file does not exist.
        BadConfigurationError: the file is not TOML, or does not describe a schema; the message names the key.
    """
    return parse(read_text(reference), where=reference)


def read_text(reference: str) -> str:
    """Return the text of a schema file, see :func:`load`."""
    path = DATA / f"{BUILTIN}.toml" if reference == BUILTIN else Path(reference)
    if not path.is_file():
        raise NoInputError("no such schema file", where=reference, fix=f"give a path, or {BUILTIN!r} for the builtin one")
    return path.read_text(encoding="utf-8")


def parse(text: str, where: str = "schema") -> Schema:
    """Read a schema from TOML text; errors as :func:`load`."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfigurationError(f"not valid TOML: {error}", where=where) from None
    return _parse(document, where)


def _parse(document: dict[str, Any], where: str) -> Schema:
    try:
        schema = Schema(
            name=document.pop("name"),
            target=document.pop("target"),
            columns=tuple(_column(entry) for entry in document.pop("columns")),
            cover_types=tuple(CoverType(**entry) for entry in document.pop("cover_types")),
            derived=tuple(
                Derived(entry["name"], entry["operation"], tuple(entry["of"])) for entry in document.pop("derived", ())
            ),
            labels_may_start_at_zero=document.pop("labels_may_start_at_zero", False),
            builtin_table=document.pop("builtin_table", ""),
        )
    except KeyError as error:
        raise BadConfigurationError(f"key {error} is missing", where=where) from None
    except (TypeError, AttributeError) as error:
        raise BadConfigurationError(str(error).replace(".__init__()", ""), where=where) from None
    if document:
        raise BadConfigurationError(f"unknown key {next(iter(document))!r}", where=where)
    for problem in _problems(schema):
        raise BadConfigurationError(problem, where=where)
    return schema


def _column(entry: dict[str, Any]) -> Column:
    return Column(**{**entry, "values": tuple(entry.get("values", ()))})


def _problems(schema: Schema) -> list[str]:
    """Return what is wrong with a schema that has all its keys, the first thing first."""
    names = [column.name for column in schema.columns]
    derived = [feature.name for feature in schema.derived]
    taken = [*names, *derived, schema.target]
    slugs, labels = list(schema.slugs), [cover_type.label for cover_type in schema.cover_types]
    return [
        *(f"column {name!r} is there twice" for name in taken if taken.count(name) > 1),
        *(f"column name {name!r} is reserved" for name in taken if name in {"split", "label", "row", "score"}),
        *(f"unknown dtype {c.dtype!r} of column {c.name!r}, use one of {DTYPES}" for c in schema.columns if c.dtype not in DTYPES),
        *(f"column {c.name!r} is a category without values" for c in schema.columns if c.categorical and not c.values),
        *(f"slug {slug!r} must be lower-case letters, digits and dashes, at most 40" for slug in slugs if not _SLUG.fullmatch(slug)),
        *(f"slug {slug!r} is there twice" for slug in slugs if slugs.count(slug) > 1),
        *(f"label {label!r} is there twice" for label in labels if labels.count(label) > 1),
        *(["at least two cover types are needed"] if len(slugs) < 2 else []),  # noqa: PLR2004 - one class is no choice
        *(["labels must be all integers or all strings"] if len({type(label) for label in labels}) > 1 else []),
        *(problem for feature in schema.derived for problem in _derived_problems(feature, schema)),
    ]


def _derived_problems(feature: Derived, schema: Schema) -> list[str]:
    if feature.operation not in OPERATIONS:
        return [f"unknown operation {feature.operation!r} of {feature.name!r}, use one of {', '.join(OPERATIONS)}"]
    count = OPERATIONS[feature.operation]
    if count is not None and len(feature.of) != count:
        return [f"{feature.name!r}: {feature.operation} takes {count} columns, not {len(feature.of)}"]
    return [f"{feature.name!r} is made of {name!r}, which is no numeric column" for name in feature.of if name not in schema.numeric]
