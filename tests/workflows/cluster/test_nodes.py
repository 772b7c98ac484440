"""From a workflow's status, as a cluster wrote it down, to the table that a person sees."""

from __future__ import annotations

import base64
import copy
import gzip
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from workflows.cluster import logs, nodes, table
from workflows.cluster.nodes import Step

# A run of two cover types of Argo 4.0.7 in which one failed to train; fields that nothing reads are left out.
RECORDED: dict[str, Any] = json.loads((Path(__file__).parents[1] / "recorded_run.json").read_text())
NAME = RECORDED["metadata"]["name"]
CHAIN = ("split", "preprocess", "tune", "train", "evaluate")


def drawn(workflow: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(table.state_table(nodes.read(workflow)))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def with_node(name: str, **changes: Any) -> dict[str, Any]:
    """Return the recorded run with changes to one of its nodes."""
    workflow = copy.deepcopy(RECORDED)
    node = next(node for node in workflow["status"]["nodes"].values() if node["name"] == f"{NAME}.{name}")
    node.update(changes)
    return workflow


def test_rows_are_cover_types_and_columns_steps() -> None:
    state = nodes.read(RECORDED)
    assert state.rows == ("spruce-fir", "aspen")
    assert tuple(path[1] for path in state.steps if path[0] == state.rows[0]) == CHAIN
    assert set(state.steps) == {("prepare",), ("report",), *((row, step) for row in state.rows for step in CHAIN)}
    assert (state.phase, state.done, state.progress) == ("Failed", True, RECORDED["status"]["progress"])
    assert [step.name for step in state.failed] == ["aspen.train", "report"]
    assert state.steps["aspen", "evaluate"].phase == nodes.OMITTED


def test_a_step_is_its_last_attempt() -> None:
    step = nodes.read(RECORDED).steps["aspen", "train"]
    assert (step.phase, step.exit_code, step.attempts) == ("Failed", "2", 1)
    assert step.pod == f"{NAME}-train-aspen-{step.node.rpartition('-')[2]}"
    done = nodes.read(RECORDED).steps["spruce-fir", "train"]
    assert set(done.artifacts) == {"model", "usage"}
    assert 0 < done.seconds < 100


def test_the_table() -> None:
    lines = drawn(RECORDED).splitlines()
    assert lines[0].startswith(f"{NAME}  Failed")
    assert lines[1].startswith("prepare  ✓ ")
    assert lines[2].split() == ["cover", "type", *CHAIN]
    assert lines[3].split()[0] == "spruce-fir"
    assert lines[3].count("✓") == 5
    assert "✗ failed" in lines[4]
    assert "–" in lines[4]
    assert lines[5].startswith("report   ✗ failed")
    assert lines[6].startswith("aspen.train: main: Error (exit code 2)")


def test_before_anything_has_begun_every_step_is_there() -> None:
    lines = drawn({**RECORDED, "status": {}}).splitlines()
    assert lines[0].split() == [NAME, "Pending", "0", "s", "0", "of", "12", "steps"]
    assert "".join(lines[1:]).count("·") == 12


def test_a_chain_that_is_omitted_is_no_step() -> None:
    workflow = with_node("aspen", type="Skipped", phase="Omitted")
    assert set(nodes.read(workflow).steps) == set(nodes.read(RECORDED).steps)


@pytest.mark.parametrize(
    ("changes", "cell", "note"),
    [
        ({"phase": "Pending", "message": 'ImagePullBackOff: Back-off pulling image "a:1"'}, "✗ no image", True),
        ({"phase": "Pending", "message": "ErrImagePull: not found"}, "✗ no image", True),
        ({"phase": "Pending", "message": "Unschedulable: 0/1 nodes are available"}, "… waiting", True),
        ({"phase": "Pending", "message": "PodInitializing"}, "… waiting", False),
        ({"phase": "Running", "message": "", "progress": "30/300"}, "30/300", False),
        (
            {"phase": "Failed", "message": "OOMKilled (exit code 137)", "finishedAt": "2026-11-21T09:00:00Z"},
            "↻ retry 1",
            True,
        ),
    ],
)
def test_a_step_on_its_way(changes: dict[str, Any], cell: str, note: bool) -> None:  # noqa: FBT001 - a case
    workflow = with_node("aspen.train", phase="Running")
    for node in workflow["status"]["nodes"].values():
        if node["name"] == f"{NAME}.aspen.train(0)":
            node.update({"finishedAt": None, "startedAt": None, **changes})
    text = drawn(workflow)
    assert cell in next(line for line in text.splitlines() if line.startswith("aspen  "))
    assert ("aspen.train: " in text) == note


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


def test_out_of_memory_names_step_limit_and_setting() -> None:
    state = nodes.read(with_node("aspen.train(0)", message="OOMKilled (exit code 137)"))
    words = logs.failure_reason(None, RECORDED, NAME, state.steps["aspen", "train"])  # type: ignore[arg-type]
    assert words.startswith("out of memory, its limit is 2Gi: raise steps.train.memory_limit in the config file")


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (65, "1:05 min"), (7380, "2:03 h")])
def test_duration(seconds: float, text: str) -> None:
    assert table.duration(seconds) == text


def test_a_running_step_counts_to_now() -> None:
    assert 9 < Step(("a",), started=time.time() - 10).seconds < 12
    assert Step(("a",)).seconds == 0
