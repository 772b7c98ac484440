"""The options of the steps as fields of the settings."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from steps.options import form_options
from workflows.settings import Settings
from workflows.settings.step_settings import StepSettings


def test_each_workflow_parameter_is_a_field_with_its_default() -> None:
    made = StepSettings()
    assert list(StepSettings.model_fields) == [option.attribute for option in form_options()]
    for option in form_options():
        assert getattr(made, option.attribute) == option.default


@pytest.mark.parametrize("option", form_options(), ids=lambda option: str(option.name))
def test_what_an_option_refuses_the_settings_refuse(option: object) -> None:
    [declared] = [each for each in form_options() if each is option]
    for value in ("x" * 3 + "{{", -1, True, None, float("nan"), "nonsense"):
        if declared.problem(value) and not (value is None and declared.optional):
            with pytest.raises(ValidationError):
                Settings.model_validate({declared.attribute: value})


def test_limits_and_choices_are_in_the_json_schema() -> None:
    properties = Settings.model_json_schema()["properties"]
    assert properties["rows"] == {
        "default": 0,
        "description": "Size of a proportional sample of the rows; 0: all rows.",
        "maximum": 2**63 - 1,
        "minimum": 0,
        "title": "Rows",
        "type": "integer",
    }
    assert properties["preset"]["enum"] == ["fast", "default", "thorough", "gpu"]
    for option in form_options():
        assert properties[option.attribute]["description"] == option.option.help


def test_addresses_come_back_with_their_scheme_in_lower_case_and_hold_no_password() -> None:
    assert Settings(source="GS://bucket/a").source == "gs://bucket/a"
    with pytest.raises(ValidationError, match="user name or password"):
        Settings(source="gs://me:secret@bucket/a")
