"""Faults on a cluster: retried where that helps, otherwise reported in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cluster import harness

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = str(Path(__file__).with_name("small.yaml"))
# Flags of a short run with one cover type and few rows, and of one that trains for a while.
QUICK = ("--rows", "600", "--preset", "fast", "--cover-types", "4")
LONG = ("--rows", "20000", "--preset", "fast", "--cover-types", "2", "--set", "train.rounds=15000")

# A split of one cover type that has no test row.
NO_TEST_ROWS = ("--set", "split.aspen.train_fraction=0.8399999", "--set", "split.aspen.test_fraction=1e-7")


def start(*words: str, **environment: str) -> subprocess.Popen[str]:
    """Start the command line in a process of its own."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "workflows/covertype.py", *words],
        cwd=harness.ROOT,
        env={**os.environ, **environment},
        stdout=pipe,
        stderr=pipe,
        text=True,
    )


def end(process: subprocess.Popen[str], timeout: float = 300) -> tuple[int, str, str]:
    """Wait for a command; return its exit code, its output and its error lines."""
    out, err = process.communicate(timeout=timeout)
    assert "Traceback" not in err, err
    return process.returncode, out, err


def submitting(*flags: str, name: str = "", **environment: str) -> tuple[str, subprocess.Popen[str]]:
    """Start ``submit --wait`` in the tests' namespace; return the run's name and the command."""
    name = name or harness.new_name()
    place = ("--namespace", harness.NAMESPACE, "--image", harness.IMAGE) if "--image" not in flags else ()
    words = ("submit", "--wait", "--json", "--name", name, "--config", CONFIG, "--pods", "step")
    return name, start(*words, *place, *flags, **environment)


def pods_of(name: str, step: str) -> list[dict[str, Any]]:
    """Return the pods of a step of a run."""
    found = harness.get("pods", "--selector", f"workflows.argoproj.io/workflow={name}")["items"]
    return [pod for pod in found if f"-{step}-" in pod["metadata"]["name"]]


def wait_for_pod(name: str, step: str, timeout: float = 120) -> str:
    """Wait until the pod of a step is running, and return its name."""
    last = time.monotonic() + timeout
    while time.monotonic() < last:
        for pod in pods_of(name, step):
            if pod["status"].get("phase") == "Running":
                found: str = pod["metadata"]["name"]
                return found
        time.sleep(1)
    raise AssertionError(f"no pod of {step} of {name} in {timeout} s")


def test_a_lost_pod_is_tried_again() -> None:
    name, run = submitting(*LONG[:-1], "train.rounds=40000")
    lost = wait_for_pod(name, "train")
    # Argo replaces a pod that is lost in its first ten seconds within the same attempt.
    time.sleep(12)
    harness.kubectl("delete", "pod", lost, "--grace-period=1")
    code, out, err = end(run)
    assert code == 0, err
    steps = json.loads(out)["steps"]
    assert steps["lodgepole-pine-train"]["attempts"] == 2
    assert {step["attempts"] for key, step in steps.items() if not key.endswith(("train", "tune"))} == {1}
    assert steps["lodgepole-pine-tune"]["attempts"] == 0  # nothing is searched


def test_a_lost_search_goes_on_with_its_trials(studies: str) -> None:
    name, run = submitting(*QUICK, "--trials", "300", "--study-volume", studies)
    wait_for_pod(name, "tune")
    step = ("--namespace", harness.NAMESPACE, "--step", "tune")
    last = time.monotonic() + 120
    while "trial 3" not in harness.pipeline("logs", name, *step):
        assert time.monotonic() < last
        time.sleep(1)
    harness.kubectl("delete", "pod", wait_for_pod(name, "tune"), "--grace-period=1")
    code, out, err = end(run, timeout=600)
    assert code == 0, err
    # Argo replaces a pod that is lost soon after its start within the same attempt.
    assert json.loads(out)["status"] == "Succeeded"
    assert "resuming a study of" in harness.pipeline("logs", name, *step)


def test_a_step_out_of_memory_fails_once_and_says_its_limit(tmp_path: Path) -> None:
    settings = yaml.safe_load(Path(CONFIG).read_text())
    settings["steps"]["train"] = {**settings["steps"]["train"], "memory": "64Mi", "memory_limit": "64Mi"}
    config = tmp_path / "tight.yaml"
    config.write_text(yaml.safe_dump(settings))
    _name, run = submitting(*QUICK, "--config", str(config))
    code, out, err = end(run)
    assert code == 1, err
    step = json.loads(out)["steps"]["cottonwood-willow-train"]
    assert step["attempts"] == 1
    assert "error: step cottonwood-willow-train failed: out of memory" in err
    assert "64Mi" in err


def test_a_step_over_its_deadline_is_not_tried_again(tmp_path: Path) -> None:
    config = yaml.safe_load(Path(CONFIG).read_text())
    config["steps"]["train"] = {**config["steps"]["train"], "deadline_seconds": 12}
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(config))
    _, run = submitting(*LONG[:-1], "train.rounds=200000", "--config", str(tmp_path / "job.yaml"))
    code, out, _ = end(run)
    result = json.loads(out)
    assert code == 1
    assert result["steps"]["lodgepole-pine-train"]["attempts"] == 1
    assert "deadline" in result["failed_steps"]["lodgepole-pine-train"]


def test_bad_input_fails_at_once_with_its_message() -> None:
    name, run = submitting(*QUICK, "--source", "file:///nowhere/table.csv")
    code, out, err = end(run)
    assert code == 1
    assert "error: step prepare failed: no such file, in file:///nowhere/table.csv" in err
    assert json.loads(out)["steps"]["prepare"]["attempts"] == 1
    _, _, said = end(start("status", name))
    assert "no such file, in file:///nowhere/table.csv" in said
    messages = [message for _, message in harness.phases(harness.get("workflow", name)).values() if message]
    shown = "error: no such file, in file:///nowhere/table.csv: check --source"
    assert any(f"(exit code 66): {shown}" in message for message in messages), messages


@pytest.mark.parametrize(
    ("pods", "message"),
    [("step", "error: step aspen-split failed: "), ("all", "error: step all failed: step aspen-split failed: ")],
)
def test_one_cover_type_failing_leaves_the_others(tmp_path: Path, pods: str, message: str) -> None:
    flags = ("--rows", "1000", "--preset", "fast", "--cover-types", "4,5,7", *NO_TEST_ROWS)
    name, run = submitting(*flags, "--pods", pods)
    code, _, err = end(run)
    assert code == 1
    assert message in err
    code, out, err = end(start("fetch", name, "--output", str(tmp_path), "--json"))
    assert code == 0, err
    assert sorted(json.loads(out)["report"]["cover_types"]) == ["cottonwood-willow", "krummholz"]
    assert sorted(path.name for path in (tmp_path / name / "models").iterdir()) == ["cottonwood-willow", "krummholz"]
    assert "1 of 3 cover types are missing" in (tmp_path / name / "report.html").read_text()


def test_an_image_that_cannot_be_pulled_is_said_soon() -> None:
    flags = (*QUICK, "--namespace", harness.NAMESPACE, "--image", "nowhere.invalid/steps:1")
    name, run = submitting(*flags, "--wait-timeout", "60")
    code, _, err = end(run, timeout=120)
    assert code == 75, err
    assert "\ncannot pull the image of step prepare (" in err
    last = err.splitlines()[-1]
    assert "without the image of step prepare" in last
    assert "nowhere.invalid/steps:1" in last
    _, shown, _ = end(start("status", name))
    assert "image" in shown.lower()
    end(start("stop", name))


def test_a_name_is_used_once() -> None:
    name, run = submitting(*QUICK)
    wait_for_pod(name, "prepare")
    _, second = submitting(*QUICK, name=name)
    code, _, err = end(second)
    assert (code, f"{name!r} already exists" in err) == (2, True), err
    run.kill()
    run.communicate()
    assert end(start("stop", name))[0] == 0


def test_a_token_without_rights_names_the_missing_one(tmp_path: Path) -> None:
    token = harness.kubectl("create", "token", "covertype-steps").decode().strip()
    config = yaml.safe_load(harness.kubectl("config", "view", "--raw", "--flatten", "--minify"))
    config["users"][0]["user"] = {"token": token}
    poor = tmp_path / "kubeconfig"
    poor.write_text(yaml.safe_dump(config))
    poor.chmod(0o600)
    _, run = submitting(*QUICK, KUBECONFIG=str(poor))
    code, _, err = end(run)
    assert code == 77
    assert "may not create workflows.argoproj.io in namespace covertype" in err
    _, out, _ = end(start("doctor", KUBECONFIG=str(poor)))
    assert "not allowed: create workflows, get workflows" in out


@pytest.fixture
def restarted() -> Iterator[None]:
    """Afterwards, wait until all parts of Argo are running again."""
    yield
    for deployment in ("workflow-controller", "argo-server"):
        harness.command(["kubectl", "-n", "argo", "scale", f"deployment/{deployment}", "--replicas=1"])
        harness.command(["kubectl", "-n", "argo", "rollout", "status", f"deployment/{deployment}", "--timeout=120s"])


@pytest.mark.usefixtures("restarted")
def test_a_restarted_controller_loses_nothing() -> None:
    name, run = submitting(*LONG)
    wait_for_pod(name, "train")
    harness.command(["kubectl", "-n", "argo", "rollout", "restart", "deployment/workflow-controller"])
    code, out, err = end(run)
    assert code == 0, err
    attempts = {key: step["attempts"] for key, step in json.loads(out)["steps"].items()}
    assert attempts.pop("lodgepole-pine-tune") == 0  # nothing is searched
    assert set(attempts.values()) == {1}


@pytest.mark.usefixtures("restarted")
def test_watching_goes_on_after_argo_server_was_down() -> None:
    server = os.environ.get("COVERTYPE_ARGO_SERVER")
    if not server:
        pytest.skip("COVERTYPE_ARGO_SERVER does not say where argo-server is")
    name, run = submitting(*LONG, ARGO_SERVER=server)
    wait_for_pod(name, "train")
    harness.command(["kubectl", "-n", "argo", "scale", "deployment/argo-server", "--replicas=0"])
    time.sleep(5)
    harness.command(["kubectl", "-n", "argo", "scale", "deployment/argo-server", "--replicas=1"])
    code, _, err = end(run)
    assert code == 0, err
