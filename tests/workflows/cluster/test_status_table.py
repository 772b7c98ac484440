"""What a person sees of runs: tables, and a line for each step that has ended."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from tests.workflows.fake_runs import NAME, PULLING, RECORDED, running, with_node
from workflows.cluster import nodes, status_table

if TYPE_CHECKING:
    from rich.console import RenderableType

CHAIN = ("split", "preprocess", "tune", "train", "evaluate")


def printed(shown: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(shown)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def drawn(workflow: dict[str, Any]) -> str:
    return printed(status_table.state_table(nodes.read(workflow)))


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
    assert lines[6].startswith("aspen-train: main: Error (exit code 2)")


def test_before_anything_has_begun_every_step_is_there() -> None:
    lines = drawn({**RECORDED, "status": {}}).splitlines()
    assert lines[0].split() == [NAME, "Pending", "0", "s", "0", "of", "12", "steps"]
    assert "".join(lines[1:]).count("·") == 12


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
    workflow = with_node("aspen-train", phase="Running")
    workflow["status"]["phase"] = "Running"
    for node in workflow["status"]["nodes"].values():
        if node["name"] == f"{NAME}.aspen-train(0)":
            node.update({"finishedAt": None, "startedAt": None, **changes})
    text = drawn(workflow)
    assert cell in next(line for line in text.splitlines() if line.startswith("aspen  "))
    assert ("aspen-train: " in text) == note


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (65, "1:05 min"), (7380, "2:03 h")])
def test_duration(seconds: float, text: str) -> None:
    assert status_table.duration(seconds) == text


def test_on_a_terminal_the_table_is_drawn_in_place() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with status_table.Display(console) as display:
        display.show(nodes.read(RECORDED))
    assert isinstance(console.file, io.StringIO)
    assert "spruce-fir" in console.file.getvalue()


def test_elsewhere_each_step_that_has_ended_is_a_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(width=200)
    with status_table.Display(console) as display:
        for workflow in (running(message=PULLING), RECORDED, RECORDED):
            display.show(nodes.read(workflow))
    lines = capsys.readouterr().out.splitlines()
    assert sum("prepare" in line for line in lines) == 2
    assert "NoImage" in lines[0]
    assert PULLING in lines[0]
    assert len(lines) == 1 + sum(step.phase in nodes.FINISHED for step in nodes.read(RECORDED).steps.values())


def test_the_table_of_runs() -> None:
    older = {"metadata": {"name": "older", "creationTimestamp": "2026-11-20T08:00:00Z"}, "status": {}}
    lines = printed(status_table.runs_table([older, RECORDED])).splitlines()
    assert lines[0].split() == ["run", "status", "steps", "started", "time", "message"]
    assert lines[1].split()[:3] == ["older", "Pending", "–"]
    assert lines[2].split()[:3] == [NAME, "Failed", "12/12"]


def test_a_stopped_step_does_not_look_alive() -> None:
    stopped = with_node("aspen-train", phase="Running")
    line = next(line for line in drawn(stopped).splitlines() if line.startswith("aspen  "))
    assert "✗ stopped" in line
    assert "retry" not in line
    assert not set("▶↻…") & set(line)


def test_a_message_of_the_run_itself_is_shown_where_no_step_has_one() -> None:
    assert "cannot start" in drawn({**RECORDED, "status": {"phase": "Error", "message": "cannot start"}})
