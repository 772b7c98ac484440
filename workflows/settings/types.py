"""Types of the settings, with the checks of their values and the messages of these checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from steps import CHAIN, NAMES, PIPELINE, PREDICT
from steps.core import redaction, uris
from steps.core.errors import UsageError
from workflows.settings import names

if TYPE_CHECKING:
    from collections.abc import Callable

_PODS = (*NAMES, CHAIN, PIPELINE, PREDICT)


def refuse_truth_value(value: object) -> object:
    """Refuse true and false, which Python takes for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("a number is needed")  # noqa: TRY004 - what pydantic understands
    return value


def _one_value(value: object) -> object:
    if not isinstance(value, (str, int, float)):
        raise ValueError("one value is needed, as in `train.rounds: 30`")  # noqa: TRY004
    return _ruled(names.no_variable)(value) if isinstance(value, str) else value


def _ruled(rule: Callable[[str], str | None]) -> Callable[[str], str]:
    """Return a validator for a rule of ``names``."""

    def check(text: str) -> str:
        if problem := rule(text):
            raise ValueError(problem)
        return text

    return check


def _address(accepted: tuple[str, ...], what: str) -> Callable[[str], str]:
    """Return a validator of an address, which may be empty; it returns the address with its scheme in lower case."""

    def check(text: str) -> str:
        if "://" in text and redaction.has_user(text):  # logs and the workflow would show it
            raise UsageError("an address must not hold a user name or password", fix="leave it out")
        return uris.parse(text, accepted, what=what).text if text else text

    return as_validator(check)


def as_validator(check: Callable[[str], str]) -> Callable[[str], str]:
    """Return a validator of a check that raises UsageError; pydantic names the setting only for a ValueError."""

    def validate(text: str) -> str:
        try:
            return check(text)
        except UsageError as error:
            raise ValueError(f"{error.what}: {error.fix}") from None

    return validate


def _names(value: object) -> object:
    """Split names at commas, and accept numbers as names: labels may be either."""
    if isinstance(value, str):
        if parts := [part.strip() for part in value.split(",") if part.strip()]:
            return parts
        raise ValueError("no cover type is named; name some, or leave it out for all")
    return [str(part) if type(part) is int else part for part in value] if isinstance(value, list) else value


def _known_step(name: str) -> str:
    if name not in _PODS:
        raise ValueError(f"unknown step, use one of {', '.join(_PODS)}")
    return name


def _object_schema(pattern: str, longest: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "maxLength": longest})


Name = Annotated[
    str,
    AfterValidator(_ruled(names.subdomain)),
    _object_schema(names.SUBDOMAIN_PATTERN, names.LONGEST_SUBDOMAIN),
]
Namespace = Annotated[
    str, AfterValidator(_ruled(names.dns_label)), _object_schema(names.LABEL_PATTERN, names.LONGEST_LABEL)
]
LabelKey = Annotated[str, AfterValidator(_ruled(names.label_key))]
LabelValue = Annotated[str, AfterValidator(_ruled(names.label_value))]
# A file or folder on this machine.
LocalPath = Annotated[str, AfterValidator(_ruled(names.one_line))]
# A text that becomes part of the workflow.
Text = Annotated[str, AfterValidator(_ruled(names.no_variable))]
Image = Annotated[str, AfterValidator(_ruled(names.image))]
Registry = Annotated[Text, AfterValidator(_address(uris.DESTINATIONS, "registry"))]
Output = Annotated[str, AfterValidator(_address(uris.DESTINATIONS, "destination")), Field(min_length=1)]
# The bounds come first: after a validator pydantic writes them into the JSON schema under other names.
# Steps and Kubernetes use integers of 64 bits.
_LARGEST = 2**63 - 1
Count = Annotated[int, Field(ge=0, le=_LARGEST), BeforeValidator(refuse_truth_value)]
Positive = Annotated[int, Field(gt=0, le=_LARGEST), BeforeValidator(refuse_truth_value)]
Scalar = Annotated[str | int | float | bool, BeforeValidator(_one_value)]
StepName = Annotated[str, AfterValidator(_known_step)]
CoverTypes = Annotated[tuple[str, ...], BeforeValidator(_names)]
