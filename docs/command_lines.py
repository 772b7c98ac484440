"""The command lines of the project as data: verbs and steps with their options, read from typer's own objects."""  # noqa: INP001

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer.main

from steps.core import runtime
from workflows.covertype import app

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Option:
    """An option or argument as its command line shows it: how it is written, and its help text."""

    written: str
    help: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Verb:
    """A command: its words after the program, what it does, its parameters, and examples as whole command lines."""

    words: str
    help: str
    options: tuple[Option, ...]
    examples: tuple[str, ...]


def command_of_step(name: str) -> Any:  # noqa: ANN401 - typer's command objects have no public type
    """Return the command line of the step module ``steps.NAME``."""
    return typer.main.get_command(runtime.as_app(importlib.import_module(f"steps.{name}").main))


def verbs() -> list[Verb]:
    """Return all verbs of ``workflows/covertype.py``, those of groups too."""
    return list(_verbs_of(typer.main.get_command(app), ()))


def _verbs_of(command: Any, words: tuple[str, ...]) -> Iterator[Verb]:  # noqa: ANN401
    for name, each in getattr(command, "commands", {}).items():
        path = (*words, name)
        if hasattr(each, "commands"):
            yield from _verbs_of(each, path)
        else:
            _, *examples = (each.epilog or "").split("\n\n")
            yield Verb(
                " ".join(path), each.help or "", options_of(each, " ".join(path)), tuple(map(str.strip, examples))
            )


def options_of(command: Any, name: str) -> tuple[Option, ...]:  # noqa: ANN401
    """Return the parameters of a command, without hidden ones."""
    context = command.make_context(name, [], resilient_parsing=True)
    found = []
    for parameter in command.params:
        if getattr(parameter, "hidden", False):
            continue
        record = parameter.get_help_record(context) or (parameter.name, "")
        found.append(Option(record[0], " ".join(record[1].split()), (*parameter.opts, *parameter.secondary_opts)))
    return tuple(found)
