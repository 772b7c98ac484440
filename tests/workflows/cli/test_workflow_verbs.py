from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from tests.workflows.command_line import invoke

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_render(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        invoke("render", "--kind", "CronWorkflow", "--seed", "7", "--image", "me/steps:2", "--schedule", "0 1 * * *")
        == 0
    )
    rendered = yaml.safe_load(capsys.readouterr().out)
    assert rendered["spec"]["schedules"] == ["0 1 * * *"]
    parameters = {
        entry["name"]: entry["value"] for entry in rendered["spec"]["workflowSpec"]["arguments"]["parameters"]
    }
    assert parameters["seed"] == "7"
    images = {t["container"]["image"] for t in rendered["spec"]["workflowSpec"]["templates"] if "container" in t}
    assert images == {"me/steps:2"}
    assert invoke("render", "-o", tmp_path / "w.yaml", "--namespace", "team") == 0
    assert yaml.safe_load((tmp_path / "w.yaml").read_text())["metadata"]["namespace"] == "team"


def test_only_a_cron_workflow_has_a_schedule(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke("render", "--schedule", "@daily") == 2
    assert capsys.readouterr().err == "error: a Workflow has no schedule, in --schedule: add --kind CronWorkflow\n"


def test_lint_checks_the_rendered_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke("render", "-o", tmp_path / "w.yaml", "--cover-types", "4", "--name", "mine") == 0
    assert invoke("lint", tmp_path / "w.yaml") == 0
    assert capsys.readouterr().out.startswith("ok: Workflow mine: references")
