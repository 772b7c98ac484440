"""The rendered pipeline: golden files, and its options against the steps' real command lines."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest
from hera.workflows import models

from steps import NAMES, runtime
from tests.golden import write as golden
from workflows import overrides, rendering
from workflows.local import document
from workflows.settings import Settings


@pytest.mark.parametrize("name", golden.CASES)
def test_golden(name: str) -> None:
    expected = (golden.HERE / f"{name}.yaml").read_text()
    assert golden.without_schema(golden.render(name)) == expected, "run `make golden` and look at the difference"


def options_of(step: str) -> dict[str, Any]:
    """Return the options of a step's command line by name without dashes."""
    from typer.main import get_command

    command = get_command(runtime.as_app(importlib.import_module(f"steps.{step}").main))
    return {option.removeprefix("--"): parameter for parameter in command.params for option in parameter.opts}


@pytest.mark.parametrize("step", NAMES)
def test_template_arguments_are_options_of_the_step(step: str) -> None:
    every: dict[str, Any] = {f"{name}.{option}": 1 for name, options in overrides.OPTIONS.items() for option in options}
    for settings in (Settings(), Settings(set=every)):
        container = document.read(rendering.render(settings, "Workflow")).templates[step].container
        assert container is not None
        given = [argument.removeprefix("--").partition("=")[0] for argument in container.arguments]
        known = options_of(step)
        assert set(given) <= set(known)
        required = {name for name, parameter in known.items() if parameter.required}
        assert required <= set(given), f"required options of {step} that the template does not fill"
        once = [name for name in given if not getattr(known[name], "multiple", False)]
        assert len(once) == len(set(once))


@pytest.mark.parametrize("step", sorted(overrides.OPTIONS))
def test_what_can_be_set_is_what_the_wiring_leaves_open(step: str) -> None:
    container = document.read(rendering.render(Settings(), "Workflow")).templates[step].container
    assert container is not None
    wired = {argument.removeprefix("--").partition("=")[0] for argument in container.arguments}
    left_open = set(options_of(step)) - wired - {"help", "summary"}
    assert left_open | ({"threads"} & wired) == set(overrides.OPTIONS[step])


def test_parameters_of_the_form_have_the_values_the_steps_take() -> None:
    spec = rendering.render(Settings(), "Workflow")["spec"]
    enums = {entry["name"]: entry.get("enum") for entry in spec["arguments"]["parameters"]}
    for step, name in (("prepare", "labels"), ("prepare", "on-missing"), ("prepare", "duplicates"), ("tune", "preset")):
        annotation = (
            inspect.signature(importlib.import_module(f"steps.{step}").main, eval_str=True)
            .parameters[name.replace("-", "_")]
            .annotation
        )
        assert [member.value for member in annotation.__origin__] == enums[name]
    assert all(entry["description"] for entry in spec["arguments"]["parameters"])


def test_every_pod_meets_the_restricted_standard_and_has_limits() -> None:
    rendered = rendering.render(Settings(), "Workflow")
    assert models.Workflow.model_validate(rendered)
    leaves = [template for template in rendered["spec"]["templates"] if "container" in template]
    assert len(leaves) == len(NAMES)
    for template in leaves:
        container = template["container"]
        security = container["securityContext"]
        assert security["runAsNonRoot"]
        assert security["readOnlyRootFilesystem"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert set(container["resources"]) == {"requests", "limits"}
        assert template["activeDeadlineSeconds"] > 0
        assert template["retryStrategy"]["limit"] == 3
        assert "maxDuration" not in template["retryStrategy"]["backoff"]


def test_overrides_of_one_cover_type_leave_the_others_alone() -> None:
    plain = document.read(rendering.render(Settings(), "Workflow")).templates
    own = document.read(rendering.render(Settings(set={"train.aspen.rounds": 3}), "Workflow")).templates
    assert {name: own[name] for name in plain if name != "pipeline"} == {
        name: template for name, template in plain.items() if name != "pipeline"
    }
    assert set(own) - set(plain) == {"cover-type-aspen", "train-aspen"}
    assert own["train-aspen"].inputs.parameters["rounds"].value == "3"
