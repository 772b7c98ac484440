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


class Group(enum.IntEnum):
    """Where an option is in the form, whose groups are in this order."""

    PRESET = enum.auto()
    RUN = enum.auto()
    DATA = enum.auto()
    TRAINING = enum.auto()
    BIGQUERY = enum.auto()


class Notation(typing.NamedTuple):
    """How people write a number, where that is not its digits: ``parse`` raises ValueError with what is needed."""

    parse: Callable[[str], int]
    format: Callable[[int], str]


@dataclass(frozen=True)
class Option:
    """What an option is besides its name, type and default.

    Attributes:
        help: one or two sentences for help texts, the form and the reference.
        scope: where it can be given.
        minimum: the smallest number that is accepted.
        maximum: the largest one.
        above: a number that the value must be above.
        metavar: what stands for the value in help texts.
        check: returns a text as it is used; raises UsageError for one that is not accepted.
        notation: how its number is written.
        group: where it is in the form.
        former: its earlier name, for the error that names the new one.
    """

    help: str
    scope: Scope = Scope.STEP
    _: dataclasses.KW_ONLY
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    metavar: str | None = None
    check: Callable[[str], str] | None = None
    notation: Notation | None = None
    group: Group = Group.TRAINING
    former: str = ""


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

    def read(self, value: object) -> Any:  # noqa: ANN401 - of the option's type
        """Return a value, or its text, as a value of the option's type. An empty text is None for an optional number.

        Raises:
            ValueError: The value is not accepted. Its text says what is needed.
        """
        if self.choices:
            if value not in self.choices:
                raise ValueError(f"use one of {', '.join(self.choices)}")
            return self.kind(value)
        if self.kind not in {int, float}:
            return self._checked_text(value)
        if self.optional and (value is None or value == ""):
            return None
        number = self._number(value)
        low, high, above = self.option.minimum, self.option.maximum, self.option.above
        too_high = high is not None and number > high
        if too_high or (low is not None and number < low) or (above is not None and number <= above):
            limits = f"of at most {high}" if too_high and high is not None and high >= _HUGE else self.limits
            raise ValueError(f"a number {limits} is needed{self._or_none}")
        return number

    def problem(self, value: object) -> str | None:
        """Return why a value, or its text, is not accepted; None where it is."""
        try:
            self.read(value)
        except ValueError as error:
            return str(error)
        return None

    def text(self, value: Any) -> str:  # noqa: ANN401 - of the option's type, or None
        """Return a value as its step reads it and people write it; no value is an empty text."""
        if value is None:
            return ""
        if self.option.notation:
            return self.option.notation.format(value)
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)

    def _checked_text(self, value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("a text is needed")  # noqa: TRY004 - one kind of error for all values
        try:
            return self.option.check(value) if self.option.check else value
        except UsageError as error:
            raise ValueError(": ".join(filter(None, (error.what, error.fix)))) from None

    def _number(self, value: object) -> Any:  # noqa: ANN401 - int or float
        """Return a number of this option's type, also from its text; ValueError for anything else."""
        if isinstance(value, str) and self.option.notation:
            return self.option.notation.parse(value)
        with suppress(ValueError, TypeError, OverflowError):
            if isinstance(value, (str, int, float)) and not isinstance(value, bool):
                number = self.kind(value)
                if math.isfinite(number) and (isinstance(value, str) or number == value):
                    return number
        kind = "a whole number" if self.kind is int else "a number"
        raise ValueError(f"{kind} is needed{self._or_none}")

    @property
    def _or_none(self) -> str:
        return "; leave it out for no limit" if self.optional else ""

    @property
    def metavar(self) -> str | None:
        """What stands for the value in help texts; None for a text without a word of its own."""
        if self.choices:
            return f"<{'|'.join(self.choices)}>"
        words = self.option.metavar or {int: "<int>", float: "<float>"}.get(self.kind)
        return f"{words} {self._range}" if self._range and words else words

    @property
    def _range(self) -> str:
        """The numbers it can be, as an inequality."""
        low, high, above = self.option.minimum, self.option.maximum, self.option.above
        left = f"{above:g}<" if above is not None else "" if low is None else f"{low:g}<="
        right = "" if high is None or high >= _HUGE else f"<={high:g}"
        return f"[{left}x{right}]" if left or right else ""

    @property
    def limits(self) -> str:
        """The numbers it can be, in words; empty where all are accepted."""
        low, high, above = self.option.minimum, self.option.maximum, self.option.above
        if above is not None:
            return f"above {above:g}" + ("" if high is None or high >= _HUGE else f" and at most {high:g}")
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


def texts_of(options: object) -> dict[str, str]:
    """Return the options in a dataclass of them as texts by name, as its step's command line reads them."""
    kind: Any = type(options)  # mypy takes the class of an object for one without a hash
    return {each.name: each.text(getattr(options, each.attribute)) for each in declared(kind)}


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
    settings: dict[str, Any] = {"help": option.option.help, "metavar": option.metavar}
    if option.kind is not str:
        settings["parser"] = functools.partial(read_flag, option)
    kind: Any = option.kind | None if option.optional or not given else option.kind
    default = option.default if given else None
    if default is dataclasses.MISSING:
        default = inspect.Parameter.empty
    elif default is not None and option.option.notation:
        settings["show_default"] = option.text(default)
    annotation = Annotated[kind, typer.Option(**settings)]
    return inspect.Parameter(option.attribute, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def read_flag(option: Declared, value: object) -> Any:  # noqa: ANN401 - of the option's type
    """Read the value of a flag; typer passes the default too."""
    try:
        return option.read(value)
    except ValueError as error:
        raise typer.BadParameter(f"{value!r}: {error}") from None
