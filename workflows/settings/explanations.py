"""Say what is wrong with a setting in words of this project, from the error that pydantic found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows.settings.model import Settings
from workflows.settings.resources import Resources, Toleration
from workflows.settings.step_settings import NOT_ACCEPTED

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

# Longest value that a message quotes, in characters.
_LONGEST_QUOTE = 60


def explain(problem: ErrorDetails) -> tuple[str, str | None]:
    """Return what is wrong, in words that name the setting, and how to fix it if that is known."""
    path = [str(part) for part in problem["loc"] if part != "[key]"]
    name, kind = ".".join(path), problem["type"]
    if kind == "extra_forbidden":
        model: type[BaseModel] = Settings
        if len(path) > 1:
            model = Toleration if "tolerations" in path else Resources
        known = (field.alias or name for name, field in model.model_fields.items())
        return f"unknown setting {name!r}", f"use one of {', '.join(known)}"
    if kind in _WORDS:
        what, fix = _WORDS[kind]
        words = {"name": name, "value": _shortened(problem["input"]), **problem.get("ctx", {})}
        return what.format(**words), fix.format(**words)
    reason = problem["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{name}: {reason if reason.startswith('CPU') else reason[:1].lower() + reason[1:]}", None


def _needed(what: str, *kinds: str) -> dict[str, tuple[str, str]]:
    return dict.fromkeys(kinds, ("{name} cannot be {value}", what))


# Problem and fix, for pydantic's types of errors.
_WORDS = {
    **dict.fromkeys(
        ("dict_type", "model_type"),
        ("{name}: a mapping is needed", "see the configuration reference for an example"),
    ),
    **dict.fromkeys(("too_short", "string_too_short"), ("{name} is empty", "leave it out for the default")),
    "string_unicode": (
        "{name}: not a text in the encoding of this machine",
        "set PYTHONUTF8=1, or rename the file",
    ),
    "greater_than": ("{name}: a number above {gt:g} is needed", "leave it out for the default"),
    **_needed("{problem}", NOT_ACCEPTED),
    **_needed("a whole number is needed", "int_type", "int_parsing", "int_parsing_size", "int_from_float"),
    **_needed("true or false is needed", "bool_type", "bool_parsing"),
    **_needed("a list is needed", "tuple_type", "list_type"),
    **_needed("a text is needed", "string_type"),
    **_needed("a number of at least {ge} is needed", "greater_than_equal"),
    **_needed("a number of at most {le} is needed", "less_than_equal"),
    **_needed("use {expected}", "literal_error"),
}


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}..."
