"""Read a schema from TOML or JSON, and check every key, type, name, range and derived feature."""

from __future__ import annotations

import json
import tomllib
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from steps.core import textfile, texts
from steps.core.errors import BadConfigurationError, NoInputError
from steps.schema import column_checks, cover_type_checks, slice_checks
from steps.schema.model import Column, CoverType, Derived, Schema, Slice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BUILTIN = "covertype"
DATA = Path(__file__).parents[1] / "data"
# Operations of derived features with their number of columns; None is one or more.
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
# For the annotation of a field: the types that a value in the file may have, and their name in messages.
_ACCEPTED: dict[str, tuple[Any, str]] = {
    "str": (str, "a string"),
    "bool": (bool, "true or false"),
    "int": (int, "an integer"),
    "int | str": ((int, str), "an integer or a string"),
    "float": ((int, float), "a number"),
    "tuple[str, ...]": (list, "a list of strings"),
    "tuple[Column, ...]": (list, "a list of tables"),
    "tuple[CoverType, ...]": (list, "a list of tables"),
    "tuple[Derived, ...]": (list, "a list of tables"),
    "tuple[Slice, ...]": (list, "a list of tables"),
}
_Entry = TypeVar("_Entry", bound="Column | CoverType | Derived | Slice")


def from_json(text: str) -> Schema:
    """Return the schema that :meth:`Schema.to_json` wrote."""
    return _check_schema(json.loads(text), where="schema in the table's metadata")


def load(reference: str) -> Schema:
    """Read a schema file.

    Args:
        reference: A path, or ``covertype`` for the schema that belongs to the project.

    Raises:
        NoInputError: The file does not exist.
        BadConfigurationError: The file is not TOML or not a schema. The message names the key.
    """
    return parse(read_text(reference), where=reference)


def read_text(reference: str) -> str:
    """Return the text of a schema file; arguments and errors as for :func:`load`, without the checks."""
    path = DATA / f"{BUILTIN}.toml" if reference == BUILTIN else Path(reference)
    if not path.is_file():
        fix = f"give a path, or {BUILTIN!r} for the builtin one"
        raise NoInputError("no such schema file", where=reference, fix=fix)
    return textfile.read(path)


def parse(text: str, where: str = "schema") -> Schema:
    """Return the schema in a TOML text.

    Args:
        text: The TOML text.
        where: The name of the file in error messages.

    Raises:
        BadConfigurationError: The text is not TOML or not a schema. The message names the key.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # tomllib: integers with too many digits, deep nesting
        raise BadConfigurationError(f"not valid TOML: {error}", where=where) from None
    return _check_schema(document, where)


def _check_schema(document: object, where: str) -> Schema:
    try:
        schema = _build_schema(document)
    except ValueError as error:
        raise BadConfigurationError(str(error), where=where) from None
    for problem in _find_problems(schema):
        raise BadConfigurationError(problem, where=where)
    return schema


def _build_schema(document: object) -> Schema:
    """Return the schema in a document; ValueError names a key that is missing, unknown or of the wrong type."""
    values = _field_values(document, Schema, "the schema")
    return Schema(
        **{
            **values,
            "columns": _build_entries(values["columns"], Column, "columns"),
            "cover_types": _build_entries(values["cover_types"], CoverType, "cover_types"),
            "derived": _build_entries(values.get("derived", ()), Derived, "derived"),
            "slices": _build_entries(values.get("slices", ()), Slice, "slices"),
        }
    )


def _build_entries(values: Sequence[object], kind: type[_Entry], key: str) -> tuple[_Entry, ...]:
    return tuple(kind(**_field_values(value, kind, f"entry {i} of {key!r}")) for i, value in enumerate(values, 1))


def _field_values(document: object, kind: type, what: str) -> dict[str, Any]:
    """Return the values for the fields of a dataclass, checked against its annotations, with lists as tuples."""
    if not isinstance(document, dict):
        raise ValueError(f"{what} must be a table of keys and values")  # noqa: TRY004 - callers catch ValueError alone
    known = {part.name: part for part in fields(kind) if part.init}
    for key in document:
        if key not in known:
            raise ValueError(f"unknown key {key!r} in {what}")
    checked = {}
    for name, part in known.items():
        value = document.get(name)
        if value is None and part.default is MISSING:
            raise ValueError(f"key {name!r} is missing in {what}")
        if value is not None:
            checked[name] = _convert_value(value, str(part.type).removesuffix(" | None"), f"key {name!r} in {what}")
    return checked


def _convert_value(value: object, annotation: str, what: str) -> object:
    """Return a value of the file as the value of a field; ValueError if it does not fit the annotation."""
    accepted, words = _ACCEPTED[annotation]
    if annotation == "int | str" and isinstance(value, bool):
        return str(value).lower()  # TOML's true as a label is the string "true"
    if not isinstance(value, accepted) or (isinstance(value, bool) and accepted is not bool):
        raise ValueError(f"{what} must be {words}")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError(f"{what} must fit into 64 bits")
    if annotation == "tuple[str, ...]" and not all(isinstance(item, str) for item in value):
        raise ValueError(f"{what} must be a list of strings")
    return tuple(value) if isinstance(value, list) else value


def _find_problems(schema: Schema) -> list[str]:
    """Return the problems of a schema whose keys and types were checked."""
    return [
        *_name_problems(schema),
        *column_checks.find_problems(schema),
        *cover_type_checks.find_problems(schema.cover_types),
        *_derived_problems(schema),
        *slice_checks.find_problems(schema),
    ]


def _name_problems(schema: Schema) -> Iterator[str]:
    if not schema.name.strip() or texts.find_problem(schema.name):
        yield f"the name {schema.name!r} must be a text of one line"


def _derived_problems(schema: Schema) -> Iterator[str]:
    numeric = set(schema.numeric)
    for feature in schema.derived:
        if feature.operation not in OPERATIONS:
            yield f"unknown operation {feature.operation!r} of {feature.name!r}, use one of {', '.join(OPERATIONS)}"
            continue
        count = OPERATIONS[feature.operation]
        if len(feature.of) != (count or max(1, len(feature.of))):
            yield f"{feature.name!r}: {feature.operation} takes {count or 'some'} columns, not {len(feature.of)}"
        for name in feature.of:
            if name not in numeric:
                yield f"{feature.name!r} is computed from {name!r}, which is not a numeric column"
