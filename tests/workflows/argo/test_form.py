"""The parameters of a workflow, which the Argo UI shows as a form."""

from __future__ import annotations

import re

import pytest

from steps.options import form_options
from workflows.argo import form
from workflows.settings import Settings


def test_every_workflow_parameter_has_its_value_choices_and_description() -> None:
    made = {parameter.name: parameter for parameter in form.parameters(Settings())}
    assert list(made) == [option.name for option in form_options()]
    assert made["preset"].enum == ["fast", "default", "thorough", "gpu"]
    assert made["rows"].enum is None
    assert all(parameter.description for parameter in made.values())


def test_the_description_names_parameters_of_the_workflow() -> None:
    names = re.findall(r"workflow\.parameters\.([a-z-]+)", form.description())
    assert set(names) == {"preset", "rows", "seed", "trials", "source"}
    assert set(names) <= {option.name for option in form_options()}


def test_the_description_of_settings_has_their_values() -> None:
    settings = Settings(preset="fast", rows=3000, seed=7, trials=40, source="bq://p.d.t")
    assert form.values(settings) == "fast, 3000 rows, seed 7, 40 trials, from bq://p.d.t"
    assert form.values(Settings()) == "default, all rows, seed 0, 0 trials, from builtin:"


@pytest.mark.parametrize(("timeout", "text"), [(None, ""), (60, "60"), (60.0, "60"), (0.5, "0.5"), (1e9, "1000000000")])
def test_numbers_are_written_as_the_step_reads_them(timeout: float | None, text: str) -> None:
    values = {parameter.name: parameter.value for parameter in form.parameters(Settings(timeout=timeout))}
    assert values["timeout"] == text
