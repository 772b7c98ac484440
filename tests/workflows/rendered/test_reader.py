from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from steps.core.errors import BadConfigurationError
from tests.workflows.documents import dag, leaf, task, workflow
from workflows import rendering
from workflows.rendered import reader
from workflows.rendered.document import Retry
from workflows.rendered.reader import read_workflow
from workflows.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable


def test_reads_the_pipeline() -> None:
    read = read_workflow(rendering.render(Settings(), "Workflow"))
    assert read.entrypoint == "pipeline"
    train = read.templates["train"]
    assert train.container is not None
    assert train.container.module == "steps.train"
    assert train.retry == Retry(limit=3, duration=2, factor=6, cap=120)
    assert train.deadline == 4 * 3600
    assert read.templates["prepare"].source_parameters == ("source",)


def change(place: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Return a function that sets the field at a dotted path; numbers are positions in lists."""

    def apply(workflow: dict[str, Any]) -> None:
        *path, last = (int(part) if part.isdigit() else part for part in place.split("."))
        target: Any = workflow
        for part in path:
            target = target[part]
        target[last] = value

    return apply


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        ("spec.onExit", "x", "spec.onExit"),
        ("spec.hooks", {}, "spec.hooks"),
        ("spec.parallelism", 2, "spec.parallelism"),
        ("spec.templates.0.dag.failFast", True, "templates[main].dag.failFast"),
        ("spec.templates.0.dag.target", "a", "templates[main].dag.target"),
        ("spec.templates.0.dag.tasks.0.withItems", [1], "templates[main].dag.tasks[step].withItems"),
        ("spec.templates.0.dag.tasks.0.withItems", [1], "tasks[step].withItems"),
        ("spec.templates.0.dag.tasks.0.continueOn", {}, "tasks[step].continueOn"),
        ("spec.templates.1.script", {}, "templates[step].script"),
        ("spec.templates.1.daemon", True, "templates[step].daemon"),
        ("spec.templates.1.memoize", {}, "templates[step].memoize"),
        ("spec.templates.1.container.workingDir", "/", "container.workingDir"),
        ("spec.templates.1.container.command", ["sh", "-c"], "container.command"),
        ("spec.templates.1.container.env", [{"name": "A", "valueFrom": {}}], "env.valueFrom"),
        ("spec.templates.1.outputs.artifacts.0.s3", {}, "artifacts[out].s3"),
        ("spec.templates.1.retryStrategy", {"limit": 1, "expression": "true"}, "retryStrategy"),
        ("kind", "CronWorkflow", "CronWorkflow"),
    ],
)
def test_refuses_by_name(place: str, value: Any, named: str) -> None:
    made = workflow([dag("main", task("step")), leaf("step")])
    read_workflow(made)
    change(place, value)(made)
    with pytest.raises(BadConfigurationError) as caught:
        read_workflow(made)
    assert named in str(caught.value)


@pytest.mark.parametrize(("text", "seconds"), [("30", 30), ("30s", 30), ("2m", 120), ("1h", 3600), ("1.5s", 1.5)])
def test_durations(text: str, seconds: float) -> None:
    assert reader._read_seconds(text) == seconds
