"""Types of the settings."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from workflows.settings import types


def read(kind: Any, value: object) -> Any:
    return TypeAdapter(kind).validate_python(value)


def test_cover_types_are_names_separated_by_commas_or_a_list_of_names_and_numbers() -> None:
    assert read(types.CoverTypes, "4, aspen ,") == ("4", "aspen")
    assert read(types.CoverTypes, [4, "aspen"]) == ("4", "aspen")


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        (types.CoverTypes, " , ", "no cover type is named"),
        (types.Count, True, "a number is needed"),
        (types.Count, -1, "greater than or equal to 0"),
        (types.Positive, 0, "greater than 0"),
        (types.Scalar, {"a": 1}, "one value is needed"),
        (types.Scalar, "{{x}}", "with which a variable of Argo begins"),
        (types.StepName, "trian", "unknown step, use one of prepare"),
        (types.Registry, "s4://bucket/x", "s4"),
        (types.Registry, "gs://me:secret@bucket/x", "user name or password"),
        (types.Output, "", "at least 1 item"),
        (types.LocalPath, "a\nb", "line break"),
        (types.Name, "Upper", "lower-case letters"),
    ],
)
def test_values_that_are_refused(kind: Any, value: object, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as caught:
        read(kind, value)
    assert "secret@" not in str(caught.value).replace("input_value='gs://me:secret@bucket/x'", "")


def test_addresses_come_back_with_their_scheme_in_lower_case() -> None:
    assert read(types.Registry, "GS://bucket/models") == "gs://bucket/models"
    assert read(types.Registry, "") == ""
    assert read(types.Output, "runs") == "runs"
