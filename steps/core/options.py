"""Declare the options of a step once, as the fields of a dataclass, and derive command lines from them.

A field is written ``rows: Annotated[int, Option("Size of a sample.", minimum=0, scope=Scope.FORM)] = 0``. The command
line of the step, the flags and settings of a run, the Argo form, ``--set`` and the reference documentation all come
from it.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
import math
import types
import typing
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steps.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


class Scope(enum.Enum):
    """Where an option can be given besides the command line of its step."""

    STEP = "step"  # nowhere else
    SET = "set"  # ``--set STEP.OPTION=VALUE``: fixed when the workflow is rendered
    FORM = "form"  # a workflow parameter: a flag, the configuration, the environment, the form of the Argo UI


@dataclass(frozen=True)
class Option:
    """What an option is besides its name, type and default.

    Attributes:
        help: one or two sentences for help texts, the form and the reference.
        scope: where it can be given.
        minimum: the smallest number that is accepted.
        maximum: the largest one.
        above: a number that the value must be above; an empty text then stands for None.
        metavar: what stands for the value in help texts.
        check: returns a text as it is used; raises UsageError for one that is not accepted.
        detail: whether it comes last in the form.
    """

    help: str
    scope: Scope = Scope.STEP
    _: dataclasses.KW_ONLY
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    metavar: str | None = None
    check: Callable[[str], str] | None = None
    detail: bool = False


@dataclass(frozen=True)
class Declared:
    """An option with its attribute's name, its type (a StrEnum where there are choices) and its default."""

    attribute: str
    kind: type
    optional: bool
    default: Any
    option: Option

    @property
    def name(self) -> str:
        """The name on command lines, in templates and in the form."""
        return self.attribute.replace("_", "-")

    @property
    def choices(self) -> tuple[str, ...]:
        """The values it can have, where they can be listed."""
        return tuple(member.value for member in self.kind) if issubclass(self.kind, enum.StrEnum) else ()

    def problem(self, value: object) -> str | None:
        """Return why a value, or its text, is not accepted; None where it is."""
        text = value.value if isinstance(value, enum.Enum) else value
        if self.choices:
            return None if text in self.choices else f"use one of {', '.join(self.choices)}"
        if self.kind not in {int, float}:
            return None
        number = self._number(text)
        if number is None:
            return "a whole number is needed" if self.kind is int else "a number is needed"
        if self.option.above is not None and number <= self.option.above:
            return f"a number above {self.option.above:g} is needed"
        low, high = self.option.minimum, self.option.maximum
        if (low is not None and number < low) or (high is not None and number > high):
            return f"a number {self.limits} is needed"
        return None

    def _number(self, value: object) -> float | None:
        """Return a number of this option's type, also from its text; None for anything else."""
        if isinstance(value, bool):
            return None
        with suppress(ValueError, TypeError, OverflowError):
            number: float = self.kind(value) if isinstance(value, str) else value  # type: ignore[assignment]
            if math.isfinite(number) and (self.kind is float or number == int(number)):
                return number
        return None

    @property
    def limits(self) -> str:
        """The numbers it can be, in words; empty where all are accepted."""
        low, high, above = self.option.minimum, self.option.maximum, self.option.above
        if above is not None:
            return f"above {above:g}"
        if low is not None and high is not None and high < _HUGE:
            return f"from {low:g} to {high:g}"
        return "" if low is None else f"of at least {low:g}"


# A maximum from here on is that of an integer's width and not worth a word.
_HUGE = 2**31 - 1


@functools.cache
def declared(options: type) -> tuple[Declared, ...]:
    """Return the options that the fields of a dataclass declare, in their order; other fields are left out."""
    hints = typing.get_type_hints(options, include_extras=True)
    found = []
    for field in dataclasses.fields(options):
        hint = hints[field.name]
        option = next((entry for entry in getattr(hint, "__metadata__", ()) if isinstance(entry, Option)), None)
        if option is not None:
            kind, optional = _split_optional(typing.get_args(hint)[0])
            found.append(Declared(field.name, kind, optional, field.default, option))
    return tuple(found)


def _split_optional(hint: Any) -> tuple[type, bool]:  # noqa: ANN401 - a type
    kinds = [kind for kind in typing.get_args(hint) if kind is not types.NoneType]
    return (kinds[0], True) if isinstance(hint, types.UnionType) else (hint, False)


@dataclass(frozen=True)
class Overrides:
    """Marks a parameter of a step that is a mapping: a flag for each option of ``options``, those given in it."""

    options: type


def with_flags(main: Callable[..., Any]) -> Callable[..., Any]:
    """Return a step's ``main`` with a flag for each option of its parameters that are dataclasses of options.

    A parameter with such a type is filled from the flags; one that is marked with :class:`Overrides` gets a mapping of
    those that were given.
    """
    signature = inspect.signature(main)
    hints = typing.get_type_hints(main, include_extras=True)
    parameters: dict[str, inspect.Parameter] = {}
    builders: dict[str, Callable[[dict[str, Any]], Any]] = {}
    for name, parameter in signature.parameters.items():
        marks = [entry for entry in getattr(hints[name], "__metadata__", ()) if isinstance(entry, Overrides)]
        if marks:
            builders[name] = functools.partial(_given, marks[0].options)
            flags = [_flag(option, given=False) for option in declared(marks[0].options)]
        elif dataclasses.is_dataclass(hints[name]):
            builders[name] = functools.partial(_built, hints[name])
            flags = [_flag(option) for option in declared(hints[name])]
        else:
            flags = [parameter.replace(annotation=hints[name])]
        parameters |= {flag.name: flag for flag in flags}

    @functools.wraps(main)
    def filled(**values: Any) -> Any:  # noqa: ANN401 - whatever the step has
        for name, value in values.items():
            if isinstance(value, float) and not math.isfinite(value):  # it passes min and max
                raise UsageError(f"{value} is not a finite number", where=f"--{name.replace('_', '-')}", fix="give one")
        own = {name: value for name, value in values.items() if name in signature.parameters}
        return main(**own, **{name: build(values) for name, build in builders.items()})

    ordered = sorted(parameters.values(), key=lambda each: each.default is not inspect.Parameter.empty)
    filled.__signature__ = signature.replace(parameters=ordered)  # type: ignore[attr-defined]
    filled.__annotations__ = {parameter.name: parameter.annotation for parameter in ordered}
    return filled


def _built(options: type, values: dict[str, Any]) -> Any:  # noqa: ANN401 - of the class that is given
    return options(**{option.attribute: _checked(option, values[option.attribute]) for option in declared(options)})


def _checked(option: Declared, value: Any) -> Any:  # noqa: ANN401 - a value of any option
    if option.option.check is None:
        return value
    try:
        return option.option.check(value)
    except UsageError as error:
        raise UsageError(error.what, where=error.where or f"--{option.name}", fix=error.fix) from None


def _given(options: type, values: dict[str, Any]) -> dict[str, Any]:
    found = {option.attribute: values[option.attribute] for option in declared(options)}
    return {name: value for name, value in found.items() if value is not None}


def _flag(option: Declared, *, given: bool = True) -> inspect.Parameter:
    """Return an option as typer reads it; without ``given`` its default is None."""
    settings: dict[str, Any] = {"help": option.option.help, "metavar": option.option.metavar}
    kind: Any = option.kind
    if option.option.above is not None:
        settings["parser"] = functools.partial(_number_or_none, option)
    elif option.kind in {int, float}:
        settings |= {"min": option.option.minimum, "max": option.option.maximum}
    if option.optional or not given:
        kind = kind | None
    default = option.default if given else None
    if default is dataclasses.MISSING:
        default = inspect.Parameter.empty
    annotation = Annotated[kind, typer.Option(**settings)]
    return inspect.Parameter(option.attribute, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _number_or_none(option: Declared, text: str) -> Any:  # noqa: ANN401 - a number or None
    """Read a number; an empty text, as the form of the Argo UI gives it, stands for no value."""
    if not text:
        return None
    if problem := option.problem(text):
        raise typer.BadParameter(f"{text!r}: {problem}; leave it out for no limit")
    return option.kind(text)
