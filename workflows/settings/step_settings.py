"""The options of the steps that are workflow parameters, as fields of the settings: derived from ``steps.options``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, create_model

from steps.options import form_options
from workflows.settings.flags import Flag
from workflows.settings.types import Text, as_validator, refuse_truth_value

if TYPE_CHECKING:
    from steps.options import Declared


def _field(option: Declared) -> tuple[Any, Any]:
    """Return an option's type and default as pydantic takes them."""
    return Annotated[_kind(option), Flag(option.option.help, metavar=option.option.metavar)], _plain(option.default)


def _kind(option: Declared) -> Any:  # noqa: ANN401 - a type
    if option.choices:
        return Literal[option.choices]
    kind: Any = option.kind
    if option.kind in {int, float}:
        # The limits come first: after a validator pydantic writes them into the JSON schema under other names.
        given = option.option
        limits = Field(ge=given.minimum, gt=given.above, le=given.maximum, allow_inf_nan=False)
        kind = Annotated[kind, limits, BeforeValidator(refuse_truth_value)]
    elif option.kind is str:
        kind = Text
        if option.option.check:
            kind = Annotated[kind, AfterValidator(as_validator(option.option.check))]
        if option.default:
            kind = Annotated[kind, Field(min_length=1)]
    return kind | None if option.optional else kind


def _plain(default: object) -> object:
    return getattr(default, "value", default)


_FIELDS: dict[str, Any] = {option.attribute: _field(option) for option in form_options()}
StepSettings = create_model("StepSettings", __config__=ConfigDict(frozen=True, extra="forbid"), **_FIELDS)
