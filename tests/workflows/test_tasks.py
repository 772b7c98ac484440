"""The tasks of a run and the options of their steps, for each way to divide the steps among pods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from steps import chain
from steps import pipeline as whole_run
from workflows import rendering
from workflows.interfaces import CHAIN_STEPS
from workflows.rendered import references
from workflows.rendered.reader import read_workflow
from workflows.settings import Resources, Settings

if TYPE_CHECKING:
    from pathlib import Path


def test_a_chain_in_one_pod_runs_the_steps_with_the_options_they_have_as_pods() -> None:
    settings: dict[str, Any] = {"set": {"train.aspen.rounds": 3, "evaluate.threads": 2}}
    apart = read_workflow(rendering.render(Settings(**settings), "Workflow")).templates
    fused = read_workflow(rendering.render(Settings(**settings, pods="cover-type"), "Workflow")).templates
    assert set(fused) == {"pipeline", "prepare", "cover-type", "cover-type-aspen", "report"}
    for name, own in (("cover-type", ""), ("cover-type-aspen", "-aspen")):
        container = fused[name].container
        assert container is not None
        for step, options in chain.parse(container.arguments[1:]):
            alone = apart.get(f"{step}{own}", apart[step]).container
            assert alone is not None
            assert [option.removeprefix("@").partition("=")[0] for option in options] == [
                option.partition("=")[0] for option in alone.arguments
            ]
    given = {name: value.value for name, value in fused["cover-type-aspen"].inputs.parameters.items()}
    assert given == {
        **dict.fromkeys(("seed", "preset", "trials", "timeout", "objective", "sampler", "refit", "cover-type")),
        "tune-threads": "1",
        "train-threads": "1",
        "train-rounds": "3",
        "evaluate-threads": "2",
    }


def test_what_a_chain_hands_on_inside_its_pod_is_written_by_one_step_and_read_by_later_ones() -> None:
    container = (
        read_workflow(rendering.render(Settings(pods="cover-type"), "Workflow")).templates["cover-type"].container
    )
    assert container is not None
    written: set[str] = set()
    for step, options in chain.parse(container.arguments[1:]):
        inputs = {slot.option or slot.name for slot in CHAIN_STEPS[step].inputs}
        for option in options:
            name, _, value = option.removeprefix("@--").partition("=")
            if option.startswith("@") and name in inputs:
                assert value in written
            elif option.startswith("@"):
                assert value not in written
                written.add(value)
    assert len(written) == 8


def test_all_steps_in_one_pod_have_the_options_and_outputs_that_they_have_as_pods(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "set": {"train.aspen.rounds": 3, "evaluate.threads": 2},
        "registry": "models",
        "cover_types": ("4", "aspen"),
    }
    apart = read_workflow(rendering.render(Settings(**settings), "Workflow")).templates
    whole = read_workflow(rendering.render(Settings(**settings, pods="all"), "Workflow"))
    assert not list(references.reference_problems(whole))
    assert set(whole.templates) == {"pipeline", "all"}
    container = whole.templates["all"].container
    assert container is not None
    commands = whole_run.parse(container.arguments[2:], tmp_path)
    assert [command.name for command in commands] == [task.name for task in apart["pipeline"].tasks]
    for command, task in zip(commands, apart["pipeline"].tasks, strict=True):
        alone = apart[task.template].container
        assert alone is not None
        names, expected = (
            [option.partition("=")[0] for option in options] for options in (command.options, alone.arguments)
        )
        assert sorted(names) == sorted(expected)
    given = whole.templates["all"].inputs.parameters
    assert (given["aspen-train-rounds"].value, given["evaluate-threads"].value) == ("3", "2")
    outputs = {name for task in apart["pipeline"].tasks for name in apart[task.template].outputs.parameters}
    assert outputs >= set(apart["pipeline"].outputs.parameters) - {"registration"}
    assert whole.templates["pipeline"].outputs.parameters.keys() == apart["pipeline"].outputs.parameters.keys()


@pytest.mark.parametrize(
    ("pod", "at_once"),
    [
        (Resources(), 1),
        (Resources(cpu="2", memory="4Gi"), 2),
        (Resources(cpu="64", memory="640Gi"), 7),
    ],
)
def test_a_large_pod_works_on_several_cover_types_at_once(pod: Resources, at_once: int) -> None:
    read = read_workflow(rendering.render(Settings(pods="all", steps={"pipeline": pod}), "Workflow"))
    container = read.templates["all"].container
    assert container is not None
    assert container.arguments[0] == f"--parallel={at_once}"
