from __future__ import annotations

from typing import Any

import pytest
from hera.workflows import Container, Parameter

from workflows.argo import envelope
from workflows.settings import Settings


def made(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"name": None, "prefix": "p", "revision": "", "description": "d", "deadlines": [60]}
    workflow = envelope.make_workflow(
        Settings(namespace="team", service_account="pods"),
        [Container(name="first", image="i"), Container(name="second", image="i")],
        [Parameter(name="a", value="1")],
        **{**given, **changes},
    )
    plain: dict[str, Any] = workflow.to_dict()
    return plain


def test_the_first_template_is_the_entry_point() -> None:
    spec = made()["spec"]
    assert spec["entrypoint"] == "first"
    assert [template["name"] for template in spec["templates"]] == ["first", "second"]
    assert spec["arguments"]["parameters"] == [{"name": "a", "value": "1"}]
    assert (spec["serviceAccountName"], spec["podGC"]["strategy"]) == ("pods", "OnPodSuccess")


@pytest.mark.parametrize(("name", "field", "expected"), [(None, "generateName", "p-"), ("mine", "name", "mine")])
def test_the_name_is_given_or_generated(name: str | None, field: str, expected: str) -> None:
    metadata = made(name=name)["metadata"]
    assert metadata[field] == expected
    assert len({"name", "generateName"} & set(metadata)) == 1
    assert metadata["namespace"] == "team"


def test_the_workflow_its_runs_and_pods_have_the_same_labels() -> None:
    rendered = made(revision="abc")
    labels = {"app.kubernetes.io/name": "covertype", "covertype/revision": "abc"}
    assert rendered["metadata"]["labels"] == rendered["spec"]["podMetadata"]["labels"] == labels
    assert rendered["spec"]["workflowMetadata"] == {"labels": labels, "annotations": {envelope.DESCRIPTION: "d"}}
    assert "covertype/revision" not in made()["metadata"]["labels"]
