from __future__ import annotations

from typing import Any

import pytest

from steps.core.errors import UsageError
from steps.options.predict import PredictOptions, RegistryOptions
from workflows import rendering
from workflows.argo import envelope
from workflows.prediction import Prediction
from workflows.settings import Settings

SMALL = Settings(cover_types=("4",))
WANTED = Prediction(PredictOptions(input="a.csv", output="s.csv"), RegistryOptions(registry="models"))


@pytest.mark.parametrize("kind", rendering.KINDS)
def test_each_kind_has_the_same_templates_and_arguments(kind: str) -> None:
    rendered = rendering.render(SMALL, kind, revision="abc")
    spec = rendered["spec"].get("workflowSpec", rendered["spec"])
    expected = rendering.render(SMALL, "Workflow", revision="abc")["spec"]
    assert rendered["kind"] == kind
    for field in ("templates", "arguments", "entrypoint", "podSpecPatch", "securityContext", "ttlStrategy"):
        assert spec[field] == expected[field]


def test_names_that_are_not_given() -> None:
    assert rendering.render(SMALL, "Workflow")["metadata"]["generateName"] == "covertype-"
    assert rendering.render(SMALL, "WorkflowTemplate")["metadata"]["name"] == "covertype"
    assert rendering.render(SMALL, "CronWorkflow", name="mine")["metadata"]["name"] == "mine"


def test_a_cron_workflow_runs_weekly_and_one_at_a_time() -> None:
    spec = rendering.render(SMALL, "CronWorkflow")["spec"]
    assert (spec["schedules"], spec["concurrencyPolicy"], spec["timezone"]) == ([rendering.WEEKLY], "Forbid", "UTC")
    assert rendering.render(SMALL, "CronWorkflow", schedule="@daily")["spec"]["schedules"] == ["@daily"]


def test_the_revision_is_a_label() -> None:
    labels = rendering.render(SMALL, "Workflow", revision="abc")["metadata"]["labels"]
    assert labels["covertype/revision"] == "abc"


def test_a_prediction_runs_every_night() -> None:
    rendered = rendering.render_prediction(Settings(), WANTED, "CronWorkflow", revision="abc")
    assert rendered["metadata"]["name"] == "covertype-predict"
    assert rendered["metadata"]["labels"]["covertype/revision"] == "abc"
    assert rendered["metadata"]["annotations"] == {envelope.DESCRIPTION: "Submit scores a.csv with version champion."}
    assert rendered["spec"]["schedules"] == [rendering.NIGHTLY]
    expected = rendering.render_prediction(Settings(), WANTED, "Workflow", revision="abc")
    assert expected["metadata"]["generateName"] == "covertype-predict-"
    for field in ("templates", "arguments", "entrypoint", "podSpecPatch", "securityContext", "ttlStrategy"):
        assert rendered["spec"]["workflowSpec"][field] == expected["spec"][field]


@pytest.mark.parametrize(
    ("kind", "options", "where"),
    [("Workflow", {"name": "No"}, "--name of a Workflow"), ("CronWorkflow", {"schedule": "daily"}, "--schedule")],
)
def test_names_and_schedules_that_argo_refuses(kind: str, options: dict[str, Any], where: str) -> None:
    with pytest.raises(UsageError, match=f"in {where}"):
        rendering.render(SMALL, kind, **options)
    with pytest.raises(UsageError, match=f"in {where}"):
        rendering.render_prediction(SMALL, WANTED, kind, **options)
