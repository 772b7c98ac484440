from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.documents import artifact, dag, leaf, task, workflow
from tests.workflows.rendered.test_reader import change
from workflows import rendering
from workflows.cli import linting
from workflows.rendered import references
from workflows.rendered.reader import read_workflow
from workflows.settings import Settings


def sound() -> dict[str, Any]:
    """Return a workflow without problems."""
    main = dag(
        "main",
        task("a", seed="{{workflow.parameters.seed}}"),
        task("b", depends="a", artifacts=[artifact("data", "tasks.a.outputs.artifacts.out")]),
    )
    leaves = [
        leaf("a", None, "--text={{inputs.parameters.seed}}", parameters={"seed": None}),
        leaf("b", reads=("data",)),
    ]
    return workflow([main, *leaves], {"seed": "1"})


def test_sound() -> None:
    assert references.reference_problems(read_workflow(sound())) == []


_TASK = "spec.templates.0.dag.tasks"


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        ("spec.entrypoint", "nowhere", "entrypoint 'nowhere' is no template"),
        (f"{_TASK}.1.depends", "c", "depends on 'c', which is no task"),
        (f"{_TASK}.1.depends", "", "it is from 'a', which this task does not depend on"),
        (f"{_TASK}.1.template", "c", "there is no template 'c'"),
        (f"{_TASK}.0.arguments.parameters", [], "parameter 'seed' is not given"),
        (
            f"{_TASK}.0.arguments.parameters.0.value",
            "{{workflow.parameters.sed}}",
            "{{workflow.parameters.sed}} does not",
        ),
        (
            f"{_TASK}.0.arguments.parameters.0.value",
            "{{inputs.parameters.seed}}",
            "{{inputs.parameters.seed}} does not",
        ),
        (f"{_TASK}.1.arguments.parameters", [{"name": "x", "value": "1"}], "takes no parameter 'x'"),
        (f"{_TASK}.1.arguments.artifacts", [], "artifact 'data' is not given"),
        (
            f"{_TASK}.1.arguments.artifacts.0.from",
            "{{tasks.a.outputs.artifacts.ou}}",
            "artifacts.ou}} does not resolve",
        ),
        (f"{_TASK}.1.arguments.artifacts.0.from", "{{tasks.z.outputs.artifacts.out}}", "does not resolve"),
        (f"{_TASK}.1.arguments.artifacts.0.from", "{{inputs.artifacts.data}}", "{{inputs.artifacts.data}} does not"),
        ("spec.templates.1.outputs.artifacts.0.optional", True, "may be absent, and this is not optional"),
        (f"{_TASK}.0.when", "1 != 0", "may be absent, and this is not optional"),
        (f"{_TASK}.0.when", "{{inputs.parameters.trials}} != 0", "{{inputs.parameters.trials}} does not resolve"),
        (
            "spec.templates.1.container.args.1",
            "{{outputs.artifacts.ou.path}}",
            "{{outputs.artifacts.ou.path}} does not",
        ),
        ("spec.templates.1.container.args.1", "x", "outputs artifact 'out' is in no argument"),
        (
            "spec.templates.1.container.args.2",
            "{{outputs.parameters.x.path}}",
            "{{outputs.parameters.x.path}} does not",
        ),
        ("spec.templates.1.container.env", [{"name": "A", "value": "{{workflow.uid}}"}], "{{workflow.uid}} does not"),
        (
            "spec.templates.0.outputs",
            {"artifacts": [artifact("x", "tasks.b.outputs.artifacts.y")]},
            "output 'x': {{tasks",
        ),
        (
            "spec.templates.0.outputs",
            {"parameters": [{"name": "p", "valueFrom": {"parameter": "{{tasks.b.outputs.parameters.q}}"}}]},
            "output 'p': {{tasks.b.outputs.parameters.q}} does not",
        ),
    ],
)
def test_finds(place: str, value: Any, problem: str) -> None:
    made = sound()
    change(place, value)(made)
    found = references.reference_problems(read_workflow(made))
    assert any(problem in line for line in found), found


def test_finds_a_template_that_nothing_uses() -> None:
    made = sound()
    made["spec"]["templates"].append(leaf("spare"))
    assert references.reference_problems(read_workflow(made)) == ["template 'spare' is not used"]


@pytest.mark.parametrize("kind", rendering.KINDS)
@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(cover_types=("4",)),
        Settings(cover_types=("4",), set={"train.cottonwood-willow.rounds": 3}),
        Settings(set={"train.aspen.rounds": 3, "split.krummholz.test_fraction": 0.3, "tune.threads": 2}),
    ],
    ids=["all", "one", "own-chain", "mixed"],
)
def test_every_rendering_is_sound(settings: Settings, kind: str) -> None:
    rendered = rendering.render(settings, kind)
    assert references.reference_problems(read_workflow(linting.as_workflow(rendered))) == []
    assert linting._argo_problems(rendered) == []
