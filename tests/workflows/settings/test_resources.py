"""The resources of pods."""

from __future__ import annotations

import pytest

from steps import PIPELINE
from workflows.settings import Resources
from workflows.settings.resources import cover_types_at_once, resources_of, whole_cores


def test_a_pod_for_all_steps_has_the_most_that_a_step_has() -> None:
    given = {"split": Resources(memory="6Gi"), "report": Resources(cpu="2"), "tune": Resources(memory="500Mi")}
    found = resources_of(PIPELINE, given)
    assert (found.cpu, found.cpu_limit, found.memory, found.memory_limit) == ("2", "2", "6Gi", "6Gi")
    own = resources_of(PIPELINE, {**given, PIPELINE: Resources(memory="3Gi", deadline_seconds=60)})
    assert (own.cpu, own.memory, own.memory_limit, own.deadline_seconds) == ("2", "3Gi", None, 60)


@pytest.mark.parametrize(
    ("pod", "at_once"),
    [
        (Resources(cpu="4", memory="8Gi"), 4),
        (Resources(cpu="4", memory="5Gi"), 2),
        (Resources(cpu="1500m", memory="8Gi"), 1),
        (Resources(cpu="100m", cpu_limit="3", memory="1Gi", memory_limit="8Gi"), 3),
        (Resources(cpu="100m", memory="100Mi"), 1),
    ],
)
def test_a_pod_works_on_as_many_cover_types_as_it_has_cores_and_memory_for(pod: Resources, at_once: int) -> None:
    assert cover_types_at_once(pod, Resources(memory="2Gi")) == at_once


@pytest.mark.parametrize(
    ("pod", "cores"),
    [
        (Resources(cpu="200m"), 1),
        (Resources(cpu="3"), 3),
        (Resources(cpu="500m", cpu_limit="2900m"), 2),
    ],
)
def test_the_whole_cores_of_a_pod_are_those_of_its_limit(pod: Resources, cores: int) -> None:
    assert whole_cores(pod) == cores
