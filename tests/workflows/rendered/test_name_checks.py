"""``lint`` applies the same rules to the names in any file as to those that this project renders."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.core.errors import PipelineError
from tests.workflows.documents import leaf
from tests.workflows.rendered.test_reader import change
from tests.workflows.rendered.test_references import sound
from workflows import rendering
from workflows.argo import yaml_text
from workflows.cli import linting
from workflows.rendered import name_checks, references
from workflows.rendered.reader import read_workflow
from workflows.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def cron() -> dict[str, Any]:
    return rendering.render(Settings(cover_types=("4",), registry="gs://bucket/m"), "CronWorkflow")


def lint(text: str, folder: Path) -> int:
    file = folder / "w.yaml"
    file.write_text(text)
    return linting.lint(Settings(), file)


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        ("metadata.name", "x" * 53, "metadata.name: 'xxx"),
        ("metadata.name", "No", "metadata.name: 'No' must be lower-case"),
        ("metadata.namespace", "a.b", "metadata.namespace: 'a.b' must be"),
        ("metadata.labels", {"a b": "c"}, "metadata: labels: 'a b' must be"),
        ("metadata.labels", {"a": "b c"}, "metadata: labels: a: 'b c' must be"),
        ("metadata.annotations", {"a b": "c"}, "metadata: annotations: 'a b' must be"),
        ("spec.schedules", ["nonsense"], "spec.schedules: 'nonsense' has 1 fields, not five"),
        ("spec.schedules", [], "spec.schedules: there is none"),
        ("spec.schedules", ["TZ=UTC 0 3 * * 1"], "begins with a time zone"),
        ("spec.timezone", "Mars/Olympus", "spec.timezone: 'Mars/Olympus' is no time zone"),
        ("spec.workflowSpec.serviceAccountName", "A", "serviceAccountName: 'A' must be"),
        ("spec.workflowSpec.podMetadata", {"labels": {"a": "b\n"}}, "podMetadata: labels: a: 'b\\n' must be"),
        ("spec.workflowSpec.templates.0.dag.tasks.1.name", "2-seater", "task: '2-seater' begins with a digit"),
        ("spec.workflowSpec.templates.0.name", "a_b", "template 'a_b': 'a_b' must be letters, digits"),
        ("spec.workflowSpec.templates.2.container.image", "a b", "image: 'a b' is not a reference to an image"),
        ("spec.workflowSpec.templates.2.inputs.parameters.0.name", "a.b", "parameter or artifact: 'a.b' must be"),
        ("spec.workflowSpec.arguments.parameters.0.name", "a b", "arguments, parameter or artifact: 'a b' must be"),
    ],
)  # fmt: skip
def test_names_that_argo_refuses(  # noqa: PLR0913, PLR0917 - fixtures and cases
    cron: dict[str, Any], place: str, value: Any, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = copy.deepcopy(cron)
    change(place, value)(made)
    assert lint(yaml_text.to_yaml(made), tmp_path) == 1
    errors = capsys.readouterr().err.splitlines()
    assert any(problem in line for line in errors), errors


def test_a_zone_in_front_is_allowed_where_there_is_no_field(cron: dict[str, Any], tmp_path: Path) -> None:
    made = copy.deepcopy(cron)
    made["spec"]["schedules"] = ["CRON_TZ=Europe/Berlin 0 3 * * 1"]
    del made["spec"]["timezone"]
    assert lint(yaml_text.to_yaml(made), tmp_path) == 0


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield (*path, key)
        yield from places(entry, (*path, key))


def rich() -> dict[str, Any]:
    """Return a workflow with every field that the reader supports."""
    made = sound()
    environment = [{"name": "A", "value": "b"}]
    template = leaf("a", None, "--text={{inputs.parameters.seed}}", parameters={"seed": None}, retries=2)
    template["container"]["env"] = environment
    made["spec"]["templates"][1] = template
    made["metadata"].update(labels={"a": "b"}, annotations={"a": "b"})
    return made


@given(st.sampled_from(list(places(rich()))), st.sampled_from([{}, [], "", 5, "x", "{{a}}", [{}], {"a": "1"}, ...]))
def test_a_damaged_workflow_is_refused_and_never_a_defect(place: tuple[Any, ...], value: Any) -> None:
    made = rich()
    target: Any = made
    for key in place[:-1]:
        target = target[key]
    if value is ...:
        del target[place[-1]]
    else:
        target[place[-1]] = value
    try:
        linting.check_types(made, "w.yaml")
        read = read_workflow(linting.as_workflow(made))
        found = [*name_checks.name_problems(made, read), *references.reference_problems(read)]
    except PipelineError as error:
        found = [str(error)]
    assert all(len(line.splitlines()) == 1 for line in found)
