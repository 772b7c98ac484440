"""Read a search space from its TOML file and check it; the bundled ``data/search_space.toml`` explains the format."""

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
_WATCHING = {"evaluate_every": 1, "early_stopping": 0}  # the least value of each
_KEYS = ("low", "high", "log", "choices", "when", "otherwise")
MOST_BINS = 4


class _At:
    """Where in a space file something is wrong."""

    def __init__(self, path: Path, name: str = "") -> None:
        self.path, self.name = path, name

    def refuse(self, what: str, fix: str) -> NoReturn:
        """Raise the error that names the file and the parameter."""
        what = f"search space: {self.name}: {what}" if self.name else f"search space: {what}"
        raise BadConfigurationError(what, where=str(self.path), fix=fix)


def read(path: Path | None = None) -> Space:
    """Read a search space, the bundled one without a path.

    Raises:
        NoInputError: there is no such file.
        BadConfigurationError: it is no TOML, names what is no hyperparameter, or has a range that is empty or not
            XGBoost's; the message names the parameter.
    """
    path = path or BUNDLED
    at = _At(path)
    document = _parse(path)
    for key in document.keys() - {"search", "parameters"}:
        at.refuse(f"unknown table {key!r}", "use [search] and [parameters.NAME]")
    watching = _watching(document.get("search", {}), at)
    tables = document.get("parameters")
    if not isinstance(tables, dict) or not tables:
        at.refuse("no parameters", "name at least one as [parameters.NAME]")
    dimensions: dict[str, Dimension] = {}
    for name, table in tables.items():
        dimensions[name] = _dimension(name, table, dimensions, _At(path, name))
    return Space(tuple(dimensions.values()), **watching)


def _parse(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise NoInputError("no such file", where=str(path), fix="check --space")
    try:
        return tomllib.loads(textfile.read(path))
    except (ValueError, RecursionError) as error:  # also for numbers of too many digits and for nesting
        return _At(path).refuse(f"not TOML ({error})", "correct the file")


def _watching(table: object, at: _At) -> dict[str, int]:
    if not isinstance(table, dict):
        at.refuse("'search' is no table", f"use [search] with {' and '.join(_WATCHING)}")
    for key, value in table.items():
        if key not in _WATCHING:
            at.refuse(f"unknown key {key!r} in [search]", f"use {' and '.join(_WATCHING)}")
        if type(value) is not int or value < _WATCHING[key]:
            at.refuse(f"{key} cannot be {value!r}", f"give a whole number, {_WATCHING[key]} or more")
    return table


def _dimension(name: str, table: object, before: Mapping[str, Dimension], at: _At) -> Dimension:
    """Check one parameter's table; ``before`` are the dimensions that stand before it."""
    if name not in SEARCHABLE:
        at.refuse("this is no parameter that can be searched", f"use {', '.join(SEARCHABLE)}")
    if not isinstance(table, dict):
        at.refuse("this is no table", "write low and high, or choices")
    for key in table.keys() - set(_KEYS):
        at.refuse(f"unknown key {key!r}", f"use {', '.join(_KEYS)}")
    condition = _condition(name, table, before, at)
    if "choices" in table:
        return Dimension(name=name, choices=_choices(name, table, at), **condition)
    if DECLARED[name].choices or name == "max_bin":
        at.refuse("a range cannot be searched here", f"give up to {MOST_BINS} choices")
    return _range(name, table, condition, at)


def _condition(name: str, table: Mapping[str, Any], before: Mapping[str, Dimension], at: _At) -> dict[str, Any]:
    """Return ``when`` and ``otherwise``, which come together; what ``when`` names must be a choice made before."""
    if ("when" in table) != ("otherwise" in table):
        at.refuse("'when' and 'otherwise' come together", "give both or neither")
    if "when" not in table:
        return {}
    when, otherwise = table["when"], table["otherwise"]
    if not isinstance(when, dict):
        at.refuse("'when' is no table", "write when = { NAME = VALUE }")
    for other, value in when.items():
        if other not in before or value not in before[other].choices:
            at.refuse(f"when {other} = {value!r} is never so", "name a choice of a parameter that stands before it")
    _check(name, otherwise, at)
    return {"when": when, "otherwise": otherwise}


def _choices(name: str, table: Mapping[str, Any], at: _At) -> tuple[Any, ...]:
    choices = table["choices"]
    if not isinstance(choices, list) or not choices:
        at.refuse("the choices are empty", "name at least one value")
    if table.keys() & {"low", "high", "log"}:
        at.refuse("both choices and a range", "give one of them")
    for value in choices:
        _check(name, value, at)
    if len(set(choices)) < len(choices):
        at.refuse("a choice is there twice", "name each once")
    if name == "max_bin" and len(choices) > MOST_BINS:
        at.refuse(f"{len(choices)} choices", f"give up to {MOST_BINS}: each is another matrix in memory")
    return tuple(choices)


def _range(name: str, table: Mapping[str, Any], condition: Mapping[str, Any], at: _At) -> Dimension:
    for end in ("low", "high"):
        if end not in table:
            at.refuse(f"there is no {end}", "give low and high, or choices")
        _check(name, table[end], at)
    low, high, log = table["low"], table["high"], table.get("log", False)
    if low > high:
        at.refuse(f"the range from {low} to {high} is empty", "low must not be above high")
    if not isinstance(log, bool):
        at.refuse(f"log cannot be {log!r}", "use true or false")
    if log and low <= 0:
        at.refuse(f"there is no logarithm of {low}", "raise low above 0, or leave log out")
    return Dimension(name=name, whole=_is_whole(name), low=low, high=high, log=log, **condition)


def _is_whole(name: str) -> bool:
    return DECLARED[name].kind is int


def _check(name: str, value: object, at: _At) -> None:
    """Refuse a value that this parameter cannot have."""
    if choices := DECLARED[name].choices:
        if value not in choices:
            at.refuse(f"it cannot be {value!r}", f"use {' or '.join(choices)}")
        return
    option = DECLARED[name].option
    least = 0 if option.minimum is None else option.minimum
    greatest = math.inf if option.maximum is None else option.maximum
    kind = "a whole number" if _is_whole(name) else "a number"
    number = _number(value, whole=_is_whole(name))
    if not least <= number <= greatest or math.isinf(number):
        at.refuse(f"it cannot be {value!r}", f"give {kind}, {_span(least, greatest)}")


def _number(value: object, *, whole: bool) -> float:
    """Return a number as such, infinity where a float cannot hold it, and NaN for what is no number."""
    if not isinstance(value, int if whole else (int, float)) or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _span(least: float, greatest: float) -> str:
    return f"{least:g} or more" if greatest >= LARGEST else f"from {least:g} to {greatest:g}"
