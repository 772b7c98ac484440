"""Read a search space from a TOML file and check it. The file ``data/search_space.toml`` documents the format."""

from __future__ import annotations

import math
import tomllib
from typing import TYPE_CHECKING, Any, NoReturn

from steps.core import textfile
from steps.core.errors import BadConfigurationError, NoInputError
from steps.models.hyperparameters import DECLARED, NAMES
from steps.options.shared import LARGEST
from steps.schema import DATA
from steps.search.space import Dimension, Space

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BUNDLED = DATA / "search_space.toml"
SEARCHABLE = tuple(name for name in NAMES if name not in {"early_stopping", "evaluate_every"})
# The keys of [search], with the smallest value of each.
_SEARCH_KEYS = {"evaluate_every": 1, "early_stopping": 0}
_PARAMETER_KEYS = ("low", "high", "log", "choices", "when", "otherwise")
# The largest number of choices of max_bin.
MOST_BINS = 4


class _Location:
    """A file, and the name of the parameter in it, for error messages."""

    def __init__(self, path: Path, name: str = "") -> None:
        self.path, self.name = path, name

    def fail(self, what: str, fix: str) -> NoReturn:
        """Raise the error for a problem at this location."""
        what = f"search space: {self.name}: {what}" if self.name else f"search space: {what}"
        raise BadConfigurationError(what, where=str(self.path), fix=fix)


def read(path: Path | None = None) -> Space:
    """Read a search space.

    Args:
        path: The file; None for the search space of the project.

    Raises:
        NoInputError: The file does not exist.
        BadConfigurationError: The file is not TOML, or a parameter is unknown, or its range is empty or not accepted
            by XGBoost. The message names the parameter.
    """
    path = path or BUNDLED
    at = _Location(path)
    document = _read_toml(path)
    for key in document.keys() - {"search", "parameters"}:
        at.fail(f"unknown table {key!r}", "use [search] and [parameters.NAME]")
    evaluation = _check_search_table(document.get("search", {}), at)
    tables = document.get("parameters")
    if not isinstance(tables, dict) or not tables:
        at.fail("no parameters", "name at least one as [parameters.NAME]")
    dimensions: dict[str, Dimension] = {}
    for name, table in tables.items():
        dimensions[name] = _build_dimension(name, table, dimensions, _Location(path, name))
    return Space(tuple(dimensions.values()), **evaluation)


def _read_toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise NoInputError("no such file", where=str(path), fix="check --space")
    try:
        return tomllib.loads(textfile.read(path))
    except (ValueError, RecursionError) as error:  # tomllib: integers with too many digits, deep nesting
        return _Location(path).fail(f"not TOML ({error})", "correct the file")


def _check_search_table(table: object, at: _Location) -> dict[str, int]:
    if not isinstance(table, dict):
        at.fail("'search' is not a table", f"use [search] with {' and '.join(_SEARCH_KEYS)}")
    for key, value in table.items():
        if key not in _SEARCH_KEYS:
            at.fail(f"unknown key {key!r} in [search]", f"use {' and '.join(_SEARCH_KEYS)}")
        if type(value) is not int or value < _SEARCH_KEYS[key]:
            at.fail(f"{key} cannot be {value!r}", f"give a whole number, {_SEARCH_KEYS[key]} or more")
    return table


def _build_dimension(name: str, table: object, before: Mapping[str, Dimension], at: _Location) -> Dimension:
    """Return the dimension of a parameter's table; ``before`` are the dimensions before it in the file."""
    if name not in SEARCHABLE:
        at.fail("this parameter cannot be searched", f"use {', '.join(SEARCHABLE)}")
    if not isinstance(table, dict):
        at.fail("this is not a table", "write low and high, or choices")
    for key in table.keys() - set(_PARAMETER_KEYS):
        at.fail(f"unknown key {key!r}", f"use {', '.join(_PARAMETER_KEYS)}")
    condition = _check_condition(name, table, before, at)
    if "choices" in table:
        return Dimension(name=name, choices=_check_choices(name, table, at), **condition)
    if DECLARED[name].choices or name == "max_bin":
        at.fail("a range cannot be searched here", f"give up to {MOST_BINS} choices")
    return _build_range(name, table, condition, at)


def _check_condition(
    name: str, table: Mapping[str, Any], before: Mapping[str, Dimension], at: _Location
) -> dict[str, Any]:
    """Return ``when`` and ``otherwise``, if there are any. ``when`` must name choices of earlier dimensions."""
    if ("when" in table) != ("otherwise" in table):
        at.fail("'when' and 'otherwise' belong together", "give both or neither")
    if "when" not in table:
        return {}
    when, otherwise = table["when"], table["otherwise"]
    if not isinstance(when, dict):
        at.fail("'when' is not a table", "write when = { NAME = VALUE }")
    for other, value in when.items():
        if other not in before or value not in before[other].choices:
            at.fail(f"{other} is never {value!r}", "use a choice of an earlier parameter in 'when'")
    _check_value(name, otherwise, at)
    return {"when": when, "otherwise": otherwise}


def _check_choices(name: str, table: Mapping[str, Any], at: _Location) -> tuple[Any, ...]:
    choices = table["choices"]
    if not isinstance(choices, list) or not choices:
        at.fail("the choices are empty", "name at least one value")
    if table.keys() & {"low", "high", "log"}:
        at.fail("both choices and a range", "give one of them")
    for value in choices:
        _check_value(name, value, at)
    if len(set(choices)) < len(choices):
        at.fail("a choice occurs twice", "name each once")
    if name == "max_bin" and len(choices) > MOST_BINS:
        at.fail(f"{len(choices)} choices", f"give up to {MOST_BINS}: each is another matrix in memory")
    return tuple(choices)


def _build_range(name: str, table: Mapping[str, Any], condition: Mapping[str, Any], at: _Location) -> Dimension:
    for end in ("low", "high"):
        if end not in table:
            at.fail(f"there is no {end}", "give low and high, or choices")
        _check_value(name, table[end], at)
    low, high, log = table["low"], table["high"], table.get("log", False)
    if low > high:
        at.fail(f"the range from {low} to {high} is empty", "low must not be above high")
    if not isinstance(log, bool):
        at.fail(f"log cannot be {log!r}", "use true or false")
    if log and low <= 0:
        at.fail(f"there is no logarithm of {low}", "raise low above 0, or leave log out")
    return Dimension(name=name, whole=_is_whole(name), low=low, high=high, log=log, **condition)


def _is_whole(name: str) -> bool:
    return DECLARED[name].kind is int


def _check_value(name: str, value: object, at: _Location) -> None:
    """Raise BadConfigurationError for a value that a parameter cannot have."""
    if choices := DECLARED[name].choices:
        if value not in choices:
            at.fail(f"it cannot be {value!r}", f"use {' or '.join(choices)}")
        return
    option = DECLARED[name].option
    least = 0 if option.minimum is None else option.minimum
    greatest = math.inf if option.maximum is None else option.maximum
    kind = "a whole number" if _is_whole(name) else "a number"
    number = _to_float(value, whole=_is_whole(name))
    if not least <= number <= greatest or math.isinf(number):
        at.fail(f"it cannot be {value!r}", f"give {kind}, {_format_limits(least, greatest)}")


def _to_float(value: object, *, whole: bool) -> float:
    """Return a number as float, infinity if it is too large for that, and NaN if it is not a number."""
    if not isinstance(value, int if whole else (int, float)) or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _format_limits(least: float, greatest: float) -> str:
    return f"{least:g} or more" if greatest >= LARGEST else f"from {least:g} to {greatest:g}"
