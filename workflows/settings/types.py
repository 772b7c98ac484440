"""Types of the settings: what a value must be, and the words that say what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from steps import CHAIN, NAMES
from steps.core import redaction, uris
from steps.core.errors import UsageError
from steps.sources import reading
from workflows.settings import names

if TYPE_CHECKING:
    from collections.abc import Callable

_PODS = (*NAMES, CHAIN)


def _no_truth_value(value: object) -> object:
    """Refuse true and false, which are 1 and 0 in Python."""
    if isinstance(value, bool):
        raise ValueError("a whole number is needed")  # noqa: TRY004 - what pydantic understands
    return value


def _one_value(value: object) -> object:
    if not isinstance(value, (str, int, float)):
        raise ValueError("one value is needed, as in `train.rounds: 30`")  # noqa: TRY004
    return _ruled(names.no_variable)(value) if isinstance(value, str) else value


def _ruled(rule: Callable[[str], str | None]) -> Callable[[str], str]:
    """Return a validator of a text that keeps to a rule of ``names``."""

    def check(text: str) -> str:
        if problem := rule(text):
            raise ValueError(problem)
        return text

    return check


def _address(accepted: tuple[str, ...], what: str) -> Callable[[str], str]:
    """Return a validator of an address, which comes back with its scheme in lower case; empty is for none."""

    def check(text: str) -> str:
        if "://" in text and redaction.has_user(text):  # it would be shown in logs, and in the workflow
            raise ValueError("an address must not hold a user name or password")
        try:
            return uris.parse(text, accepted, what=what).text if text else text
        except UsageError as error:
            raise ValueError(f"{error.what}: {error.fix}") from None

    return check


def _names(value: object) -> object:
    """Read names separated by commas, and numbers as names: labels may be either."""
    if isinstance(value, str):
        if parts := [part.strip() for part in value.split(",") if part.strip()]:
            return parts
        raise ValueError("none is named; name some, or leave it out for all")
    return [str(part) if type(part) is int else part for part in value] if isinstance(value, list) else value


def _time(text: str) -> str:
    """Refuse what is no time; it stays as it was written."""
    try:
        reading.parse_time(text)
    except UsageError as error:
        raise ValueError(f"{error.what}: {error.fix}") from None
    return text


def _known_step(name: str) -> str:
    if name not in _PODS:
        raise ValueError(f"there is no such step, use one of {', '.join(_PODS)}")
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
# A file or folder of this machine, and a text that becomes part of the workflow.
LocalPath = Annotated[str, AfterValidator(_ruled(names.one_line))]
Text = Annotated[str, AfterValidator(_ruled(names.no_variable))]
Image = Annotated[str, AfterValidator(_ruled(names.image))]
Source = Annotated[Text, AfterValidator(_address(uris.SOURCES, "source")), Field(min_length=1)]
Registry = Annotated[Text, AfterValidator(_address(uris.DESTINATIONS, "registry"))]
Output = Annotated[str, AfterValidator(_address(uris.DESTINATIONS, "destination")), Field(min_length=1)]
# The bounds come first: after a validator pydantic writes them into the JSON schema under other names.
# What steps and Kubernetes hold in an integer of 64 bits.
_LARGEST = 2**63 - 1
Count = Annotated[int, Field(ge=0, le=_LARGEST), BeforeValidator(_no_truth_value)]
Positive = Annotated[int, Field(gt=0, le=_LARGEST), BeforeValidator(_no_truth_value)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), BeforeValidator(_no_truth_value)]
Scalar = Annotated[str | int | float | bool, BeforeValidator(_one_value)]
StepName = Annotated[str, AfterValidator(_known_step)]
CoverTypes = Annotated[tuple[str, ...], BeforeValidator(_names)]
Time = Annotated[str, AfterValidator(_time)]
