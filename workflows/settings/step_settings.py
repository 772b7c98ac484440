"""The options of the steps that are workflow parameters, as fields of the settings: derived from ``steps.options``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, create_model
from pydantic_core import PydanticCustomError

from steps.options import form_options
from workflows.settings.flags import Flag
from workflows.settings.types import Text, as_validator

if TYPE_CHECKING:
    from collections.abc import Callable

    from steps.options import Declared

# Type of the error for a value that an option cannot have; its text says what is needed.
NOT_ACCEPTED = "not_accepted"


def _field(option: Declared) -> tuple[Any, Any]:
    """Return an option's type and default as pydantic takes them."""
    default = option.text(option.default) if option.option.notation else ""
    flag = Flag(option.option.help, metavar=option.option.metavar, default=default)
    return Annotated[_kind(option), flag], _plain(option.default)


def _kind(option: Declared) -> Any:  # noqa: ANN401 - a type
    if option.kind is str:
        kind: Any = Text
        if option.option.check:
            kind = Annotated[kind, AfterValidator(as_validator(option.option.check))]
        return Annotated[kind, Field(min_length=1)] if option.default else kind
    if option.choices:
        kind = Literal[option.choices]
    else:
        # The limits are for the JSON schema: the reader below checks them first.
        given = option.option
        kind = Annotated[option.kind, Field(ge=given.minimum, gt=given.above, le=given.maximum, allow_inf_nan=False)]
    kind = kind | None if option.optional else kind
    written = kind | str if option.option.notation else kind
    return Annotated[kind, BeforeValidator(_reader(option), json_schema_input_type=written)]


def _reader(option: Declared) -> Callable[[object], object]:
    """Return a validator that reads a value as the option's step does, with the option's own words for a problem."""

    def read(value: object) -> object:
        try:
            return _plain(option.read(value))
        except ValueError as error:
            raise PydanticCustomError(NOT_ACCEPTED, "{problem}", {"problem": str(error)}) from None

    return read


def _plain(default: object) -> object:
    return getattr(default, "value", default)


_FIELDS: dict[str, Any] = {option.attribute: _field(option) for option in form_options()}
StepSettings = create_model("StepSettings", __config__=ConfigDict(frozen=True, extra="forbid"), **_FIELDS)
