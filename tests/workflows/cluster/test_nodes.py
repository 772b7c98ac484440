"""The state of a run, read from the status that a cluster wrote."""

from __future__ import annotations

import base64
import copy
import gzip
import json
import time
from typing import Any

import pytest

from tests.workflows.fake_runs import NAME, RECORDED, running, with_node
from workflows.cluster import nodes
from workflows.cluster.nodes import Step

CHAIN = ("split", "preprocess", "tune", "train", "evaluate")


def test_rows_are_cover_types_and_columns_steps() -> None:
    state = nodes.read(RECORDED)
    assert state.rows == ("spruce-fir", "aspen")
    assert tuple(path[1] for path in state.steps if path[0] == state.rows[0]) == CHAIN
    assert set(state.steps) == {("prepare",), ("report",), *((row, step) for row in state.rows for step in CHAIN)}
    assert (state.phase, state.done, state.progress) == ("Failed", True, "12/12")
    assert [step.name for step in state.failed] == ["aspen-train", "report"]
    assert state.steps["aspen", "evaluate"].phase == nodes.OMITTED


def test_runs_are_sorted_by_their_creation() -> None:
    made = [("b", "2026-11-20T08:00:00Z"), ("c", None), ("a", "2026-11-20T08:00:00Z"), ("d", "2026-11-19T08:00:00Z")]
    workflows = [{"metadata": {"name": name, "creationTimestamp": created}} for name, created in made]
    assert [entry["metadata"]["name"] for entry in sorted(workflows, key=nodes.age)] == ["c", "d", "a", "b"]


def test_a_step_is_its_last_attempt() -> None:
    step = nodes.read(RECORDED).steps["aspen", "train"]
    assert (step.phase, step.exit_code, step.attempts) == ("Failed", "2", 1)
    assert step.pod == f"{NAME}-train-aspen-{step.node.rpartition('-')[2]}"
    done = nodes.read(RECORDED).steps["spruce-fir", "train"]
    assert set(done.artifacts) == {"model", "usage"}
    assert 0 < done.seconds < 100


def test_a_task_is_known_before_it_has_a_node() -> None:
    before = nodes.read({**RECORDED, "status": {}})
    assert list(before.steps) == list(nodes.read(RECORDED).steps)
    assert before.steps["aspen", "train"].name == "aspen-train"


def test_a_run_of_an_earlier_version_has_cover_types_and_steps_too() -> None:
    """It has a DAG for each cover type, whose tasks are the steps."""
    workflow = copy.deepcopy(RECORDED)
    workflow["spec"]["templates"][0]["dag"]["tasks"] = [{"name": "prepare", "template": "prepare"}]
    for node in workflow["status"]["nodes"].values():
        node["name"] = node["name"].replace("aspen-", "aspen.").replace("spruce-fir-", "spruce-fir.")
    assert nodes.read(workflow).steps.keys() == nodes.read(RECORDED).steps.keys()


def test_packed_nodes() -> None:
    """Argo packs the nodes of a large workflow."""
    workflow = copy.deepcopy(RECORDED)
    packed = gzip.compress(json.dumps(workflow["status"].pop("nodes")).encode())
    workflow["status"]["compressedNodes"] = base64.b64encode(packed).decode()
    assert nodes.read(workflow) == nodes.read(RECORDED)


def test_a_run_made_from_a_template() -> None:
    workflow = copy.deepcopy(RECORDED)
    workflow["status"]["storedWorkflowTemplateSpec"] = workflow["spec"]
    workflow["spec"] = {"workflowTemplateRef": {"name": "covertype"}}
    assert nodes.read(workflow) == nodes.read(RECORDED)


def test_pod_names_follow_argos_rule() -> None:
    node = {"id": "w-123", "name": "w.a(0)", "templateName": "t" * 300}
    workflow: dict[str, Any] = {"metadata": {"name": "w"}}
    assert nodes._pod_name(workflow, node) == f"w-{'t' * 240}-123"
    workflow["metadata"]["annotations"] = {"workflows.argoproj.io/pod-name-format": "v1"}
    assert nodes._pod_name(workflow, node) == "w-123"


def test_a_running_step_counts_to_now() -> None:
    assert 9 < Step(("a",), started=time.time() - 10).seconds < 12
    assert Step(("a",)).seconds == 0


@pytest.mark.parametrize(
    ("message", "lacks", "impossible", "noted"),
    [
        ("ErrImagePull: not found", True, False, True),
        ("ImagePullBackOff: waiting", True, False, True),
        ("InvalidImageName: a b", True, True, True),
        ("ErrImageNeverPull: a", True, True, True),
        ("Unschedulable: 0/1 nodes are available", False, False, True),
        ("PodInitializing", False, False, False),
        ("", False, False, False),
    ],
)
def test_what_a_pending_pod_waits_for(*, message: str, lacks: bool, impossible: bool, noted: bool) -> None:
    step = Step(("a",), phase=nodes.PENDING, message=message)
    assert (step.lacks_image, step.impossible_image, bool(step.note)) == (lacks, impossible, noted)
    assert not Step(("a",), phase=nodes.RUNNING, message=message).lacks_image


@pytest.mark.parametrize("phase", ["Running", "Pending", None])
def test_a_step_that_had_not_ended_when_its_run_did_is_stopped(phase: str | None) -> None:
    """Argo leaves the node that holds the attempts of a stopped step as it was."""
    workflow = with_node("aspen-train", phase=phase)
    assert nodes.read(workflow).steps["aspen", "train"].phase == nodes.STOPPED
    alive = {**workflow, "status": {**workflow["status"], "phase": "Running"}}
    assert nodes.read(alive).steps["aspen", "train"].phase == nodes.PENDING


def test_a_stopped_step_ended_with_its_run() -> None:
    workflow = with_node("aspen-train", phase="Running")
    status = workflow["status"]
    for node in status["nodes"].values():
        if node["name"] == f"{NAME}.aspen-train(0)":
            node.update(phase="Running", finishedAt=None)
    step = nodes.read(workflow).steps["aspen", "train"]
    assert step.finished == nodes.read(workflow).finished > 0
    assert step.seconds < 1000


def test_progress_counts_steps_and_nothing_else() -> None:
    workflow = running()
    workflow["status"]["progress"] = "4448/6008"
    assert nodes.read(workflow).progress == "0/12"
    without_nodes = {"phase": "Running", "startedAt": "2026-11-21T09:00:00Z", "progress": "4448/6008"}
    assert nodes.read({**RECORDED, "status": without_nodes}).progress == ""


def test_a_run_that_has_not_started() -> None:
    state = nodes.read({**RECORDED, "status": {}})
    assert (state.phase, state.done, state.seconds, state.failed) == (nodes.PENDING, False, 0.0, [])
    assert len(state.steps) == 12
