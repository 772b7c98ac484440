"""The settings of a run and the resources of its pods."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from steps import NAMES
from tests.golden import write as golden
from workflows import interfaces, rendering, settings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_tolerations_are_written_as_kubernetes_does(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text("steps: {train: {tolerations: [{key: 1, operator: Exists, tolerationSeconds: 5}]}}")
    rendered = rendering.render(settings.load({}, path), "Workflow")
    [train] = [template for template in rendered["spec"]["templates"] if template["name"] == "train"]
    assert train["tolerations"] == [{"key": "1", "operator": "Exists", "tolerationSeconds": 5}]


def test_the_steps_are_the_pipeline_s() -> None:
    assert list(NAMES) == ["prepare", *interfaces.CHAIN, "report", "register"]


def test_parallel_wins_over_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.load({"parallel": 3}).cores == 3
    monkeypatch.delattr("os.sched_getaffinity", raising=False)  # as on macOS
    monkeypatch.setattr("os.cpu_count", lambda: 5)
    assert settings.load({"parallel": 3}).cores == 3
    assert settings.load({}).cores == 5


def test_resources_are_the_defaults_with_what_was_given_over_them() -> None:
    given = settings.Settings(
        steps={
            "train": settings.Resources(memory="3Gi"),
            "split": settings.Resources(cpu="2"),
            "tune": settings.Resources(gpu=1),
        }
    )
    train, split, tune = (given.resources(step) for step in ("train", "split", "tune"))
    assert (train.cpu, train.cpu_limit, train.memory, train.deadline_seconds) == ("900m", "1", "3Gi", 4 * 3600)
    assert (split.cpu, split.cpu_limit) == ("2", None)
    assert (tune.gpu, tune.memory) == (1, "2Gi")


def test_the_schema_of_config_files_is_that_of_the_settings() -> None:
    assert golden.JOB_SCHEMA.read_text() == golden.job_schema(), "run `make golden`"
    properties = json.loads(golden.job_schema())["properties"]
    assert properties["preset"]["enum"] == ["fast", "default", "thorough", "gpu"]
    assert {"set", "schema", "steps", "trials"} <= set(properties)
