"""The parameters of a workflow, which the Argo UI shows as a form."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    assert form.values(settings) == "fast, 3000 rows, 40 trials, seed 7, from bq://p.d.t"


def test_the_description_leaves_out_what_is_the_default() -> None:
    assert form.values(Settings()) == "default, all rows"
    assert form.values(Settings(preset="fast", rows=3000, trials=5)) == "fast, 3000 rows, 5 trials"


def evaluated(text: str, parameters: dict[str, str]) -> str:
    """Return a text with the values of its variables and conditional expressions, as Argo evaluates them."""

    def choose(match: re.Match[str]) -> str:
        words = match["then"] if parameters[match["name"]] == match["value"] else match["otherwise"]
        parts = [word.strip().removeprefix("workflow.parameters.") for word in words.split(" + ")]
        return "".join(part[1:-1] if part.startswith("'") else parameters[part] for part in parts)

    expression = (
        r"\{\{=workflow\.parameters\.(?P<name>[a-z]+) == '(?P<value>[^']*)' \? (?P<then>.*?) : (?P<otherwise>.*?)\}\}"
    )
    text = re.sub(expression, choose, text)
    return re.sub(r"\{\{workflow\.parameters\.([a-z]+)\}\}", lambda match: parameters[match[1]], text)


@given(
    preset=st.sampled_from(["fast", "default"]),
    rows=st.sampled_from([0, 3000]),
    trials=st.sampled_from([0, 5]),
    seed=st.sampled_from([0, 7]),
    source=st.sampled_from(["builtin:", "bq://p.d.t"]),
)
def test_argo_makes_the_same_description_from_the_parameters_of_a_run(**chosen: Any) -> None:
    settings = Settings(**chosen)
    parameters = {str(parameter.name): str(parameter.value) for parameter in form.parameters(settings)}
    assert evaluated(form.description(), parameters) == form.values(settings)


@pytest.mark.parametrize(("timeout", "text"), [(None, ""), (60, "60"), (60.0, "60"), (0.5, "0.5"), (1e9, "1000000000")])
def test_numbers_are_written_as_the_step_reads_them(timeout: float | None, text: str) -> None:
    values = {parameter.name: parameter.value for parameter in form.parameters(Settings(timeout=timeout))}
    assert values["timeout"] == text
