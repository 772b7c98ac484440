"""The executor and lint refuse a workflow that cannot terminate, with one error line."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.core import runtime
from steps.core.errors import BadConfigurationError
from tests.workflows.documents import artifact, dag, leaf, task, workflow
from tests.workflows.rendered.test_reader import change
from workflows.argo import yaml_text
from workflows.covertype import app
from workflows.local.nodes import Phase
from workflows.local.scheduler import Scheduler
from workflows.rendered.reader import read_workflow

if TYPE_CHECKING:
    from pathlib import Path

HERE = pathlib.Path()
STEP = leaf("step")


def main(*tasks: dict[str, Any], name: str = "main") -> dict[str, Any]:
    return dag(name, *tasks)


ENDLESS = {
    "two wait for each other": (
        [main(task("a", "step", "b"), task("b", "step", "a")), STEP],
        "template 'main': tasks wait for each other: ",
    ),
    "one waits for itself": (
        [main(task("a", "step", "a.Failed || a")), STEP],
        "template 'main': tasks wait for each other: a -> a",
    ),
    "a name twice": (
        [main(task("report", "step"), task("report", "step", "report")), STEP],
        "name 'report' is used 2 times, in templates[main].dag.tasks: rename all but one",
    ),
    "a template twice": ([main(task("a", "step")), STEP, STEP], "name 'step' is used 2 times, in spec.templates"),
    "a template in itself": ([main(task("a", "main"))], "templates contain themselves: main -> main"),
    "templates in each other": (
        [main(task("a", "b")), main(task("c", "main"), name="b")],
        "templates contain themselves: ",
    ),
    "no such task": (
        [main(task("a", "step", "b.Succeeded")), STEP],
        "template 'main', task 'a': depends on 'b', which is no task",
    ),
    "no such template": ([main(task("a", "b"))], "template 'main', task 'a': there is no template 'b'"),
    "no task": ([main()], "template 'main': there is no task"),
    "a condition that is none": (
        [main(task("a", "step"), task("b", "step", "a &&")), STEP],
        "template 'main', task 'b': cannot read",
    ),
    "a parameter twice": (
        [main(task("a", "step")), {**STEP, "inputs": {"parameters": [{"name": "p"}, {"name": "p"}]}}],
        "name 'p' is used 2 times, in templates[step].inputs.parameters",
    ),
}


@pytest.mark.parametrize("case", ENDLESS)
def test_what_would_never_end_is_refused(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    templates, message = ENDLESS[case]
    made = workflow(templates)
    with pytest.raises(BadConfigurationError) as caught:
        Scheduler(read_workflow(made), {}, tmp_path, lambda _node: None)
    assert str(caught.value).startswith(message)
    file = tmp_path / "w.yaml"
    file.write_text(yaml_text.to_yaml(made))
    assert runtime.run_to_exit_code(lambda: app(args=["lint", str(file)], standalone_mode=False) or 0) in (1, 78)
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith(f"error: {message}") for line in lines), lines


def test_an_entrypoint_that_is_none_is_refused() -> None:
    made = workflow([main(task("a", "step")), STEP])
    change("spec.entrypoint", "nowhere")(made)
    with pytest.raises(BadConfigurationError, match=r"entrypoint 'nowhere' is no template, in workflow 'w'"):
        Scheduler(read_workflow(made), {}, HERE, lambda _node: None)


@given(st.data())
def test_any_small_graph_ends_or_is_refused(data: st.DataObject) -> None:
    names = [f"t{i}" for i in range(data.draw(st.integers(1, 5)))]
    tasks = [task(name, "step", " && ".join(data.draw(st.sets(st.sampled_from(names), max_size=2)))) for name in names]
    made = workflow([main(*tasks), STEP])
    try:
        scheduler = Scheduler(read_workflow(made), {}, HERE, lambda _node: None)
    except BadConfigurationError:
        return
    scheduler.start()
    for _ in names:
        if scheduler.ready:
            scheduler.finish_node(scheduler.ready.pop(), Phase.SUCCEEDED)
    assert scheduler.root.phase.finished


@pytest.mark.parametrize("source", ["", "x", "{{inputs.artifacts}}", "{{tasks.a.outputs.artifacts}}", "{{a}}{{b}}"])
def test_a_reference_that_cannot_be_read_is_an_error_of_its_task(source: str, tmp_path: Path) -> None:
    given_artifact = {**artifact("data", "x"), "from": source}
    made = workflow(
        [main(task("a", "step"), task("b", "b", "a", artifacts=[given_artifact])), STEP, leaf("b", reads=("data",))]
    )
    scheduler = Scheduler(read_workflow(made), {}, tmp_path, lambda _node: None)
    scheduler.start()
    scheduler.finish_node(scheduler.ready.pop(), Phase.SUCCEEDED)
    assert scheduler.root.phase.unsuccessful
