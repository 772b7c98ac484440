"""Logs of a run's steps: which, how much of them, and what they say of a failure."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from steps.core import runtime
from steps.core.errors import DeniedError, NoInputError, PipelineError, TransientError, UsageError
from tests.workflows.fake_runs import NAME, RECORDED, with_node
from workflows.cluster import logs, nodes
from workflows.cluster.nodes import Step

if TYPE_CHECKING:
    from pathlib import Path

STATE = nodes.read(RECORDED)
TRAIN = STATE.steps["aspen", "train"]


class FakeClient:
    """Answers one log after another, the last one again and again, and one archived log."""

    def __init__(self, *answers: list[str] | PipelineError, archived: str = "") -> None:
        self.answers, self.archived = list(answers), archived
        self.options: list[dict[str, Any]] = []

    def log(self, name: str, step: Step, **options: Any) -> list[str]:  # noqa: ARG002 - a client's arguments
        self.options.append(options)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, PipelineError):
            raise answer
        return answer

    def download(self, workflow: dict[str, Any], step: Step, artifact: str, target: Path) -> None:  # noqa: ARG002
        assert artifact == "main-logs"
        target.write_bytes(self.archived.encode())


def client(*answers: list[str] | PipelineError, archived: str = "") -> Any:
    return FakeClient(*answers, archived=archived)


def test_steps_are_selected_by_step_and_cover_type() -> None:
    names = {step.name for step in logs.select_steps(STATE, None, None)}
    assert {"prepare", "aspen-train", "spruce-fir-train"} <= names
    assert "aspen-evaluate" not in names  # it was omitted, and has no pod
    assert [step.name for step in logs.select_steps(STATE, "train", "aspen")] == ["aspen-train"]
    assert [step.name for step in logs.select_steps(STATE, "aspen-train", None)] == ["aspen-train"]
    assert {step.path[0] for step in logs.select_steps(STATE, None, "aspen")} == {"aspen"}


def test_a_step_or_cover_type_that_the_run_has_not() -> None:
    with pytest.raises(UsageError, match="no step 'nonsense', in --step: use one of prepare, split, preprocess"):
        logs.select_steps(STATE, "nonsense", None)
    with pytest.raises(UsageError, match="no cover type 'oak', in --cover-type: use one of spruce-fir, aspen"):
        logs.select_steps(STATE, None, "oak")


def test_lines_of_argo_are_left_out() -> None:
    argo = ['2 time=2026-11-21T08:54:10.140Z level=INFO msg="sub-process exited" argo=true', "3 Error: exit status 2"]
    assert logs.read_pod_log(client(["1 rows", *argo]), NAME, TRAIN) == ["rows"]


@pytest.mark.parametrize(
    "error", [NoInputError("gone"), PipelineError('container "main" in pod "p" is waiting to start: PodInitializing')]
)
def test_a_pod_without_a_log(error: PipelineError) -> None:
    assert logs.read_pod_log(client(error), NAME, TRAIN) == []


def test_a_log_that_may_not_be_read() -> None:
    with pytest.raises(DeniedError):
        logs.read_pod_log(client(DeniedError("no")), NAME, TRAIN)


def test_the_archived_log_of_a_pod_that_is_gone() -> None:
    workflow = with_node("aspen-train(0)", outputs={"artifacts": [{"name": "main-logs"}]})
    step = nodes.read(workflow).steps["aspen", "train"]
    assert logs.read_log(client([], archived="a\nError: exit status 1\nb\n"), workflow, step) == ["a", "b"]
    assert logs.read_log(client(["1 of the pod"], archived="a"), workflow, step) == ["of the pod"]
    assert logs.read_log(client([], archived="a"), RECORDED, Step(("a",))) == []


def test_new_lines_alone() -> None:
    running = Step(("a",), phase=nodes.RUNNING, node="n")
    answers: list[list[str] | PipelineError]
    answers = [["1 a"], TransientError("away"), ["1 a", "2 b", "2 time=x level=y argo=true"], NoInputError("gone")]
    fake = client(*answers)
    tail = logs.Tail(fake, NAME)
    found = [[text for _, text in tail.read_new([running])] for _ in answers]
    assert found == [["a"], [], ["b"], []]
    assert fake.options[0] == {"seconds": None}
    assert fake.options[1]["seconds"] >= 5


def test_a_log_is_read_once_more_after_the_end_and_not_before_the_start() -> None:
    fake = client(["1 a"])
    tail = logs.Tail(fake, NAME)
    ended, pending = Step(("a",), phase="Failed", node="n"), Step(("b",), phase=nodes.PENDING, node="m")
    assert [text for _ in range(3) for _, text in tail.read_new([ended, pending])] == ["a"]
    assert len(fake.options) == 1


def reason(step: Step, *lines: str) -> str:
    return logs.failure_reason(client([f"1 {line}" for line in lines]), RECORDED, NAME, step)


def test_why_a_step_failed_is_its_last_error_line() -> None:
    assert reason(TRAIN, "error: first", "error: disk full", "after") == "disk full"
    assert reason(TRAIN, "nothing") == TRAIN.message
    assert logs.failure_reason(client(DeniedError("no")), RECORDED, NAME, TRAIN) == TRAIN.message
    assert reason(Step(("a",), phase="Error")) == "Error"


def test_why_a_step_was_terminated_is_argos_message() -> None:
    late = nodes.read(with_node("aspen-train(0)", message="Pod was active longer than the deadline"))
    step = late.steps["aspen", "train"]
    assert reason(step, f"error: {runtime.TERMINATION}") == "Pod was active longer than the deadline"


@pytest.mark.parametrize("limit", ["2Gi", None])
def test_out_of_memory_names_step_limit_and_setting(limit: str | None) -> None:
    workflow = with_node("aspen-train(0)", message="OOMKilled (exit code 137)")
    if limit is None:
        workflow = copy.deepcopy(workflow)
        nodes.templates_of(workflow)["train-aspen"].pop("container", None)
    step = nodes.read(workflow).steps["aspen", "train"]
    shown = logs.failure_reason(client([]), workflow, NAME, step)
    expected = f"out of memory, its limit is {limit or 'not set'}: raise steps.train.memory_limit in the config file"
    assert shown.startswith(expected)


@pytest.mark.parametrize("module", ["chain", "pipeline", "train"])
def test_out_of_memory_names_the_setting_of_the_pod(module: str) -> None:
    workflow = copy.deepcopy(with_node("aspen-train(0)", message="OOMKilled (exit code 137)"))
    nodes.templates_of(workflow)["train-aspen"]["container"]["command"] = ["python", "-m", f"steps.{module}"]
    shown = logs.failure_reason(client([]), workflow, NAME, nodes.read(workflow).steps["aspen", "train"])
    assert f"raise steps.{module}.memory_limit in the config file" in shown
