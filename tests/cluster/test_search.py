"""Searches on a cluster: one pod per cover type, all at the same time, with resources, progress and results."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml

from steps import schema as schemas
from tests.cluster import harness

SLUGS = schemas.load(schemas.BUILTIN).slugs
TRIALS = 100_000
POINT = {"rounds": 17, "learning_rate": 0.21}


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a run with searches that take a while, and that start with the best points of an earlier one."""
    report = tmp_path_factory.mktemp("earlier") / "report.json"
    best = {"search": {"best_points": [{"value": 0.9, "parameters": POINT}]}}
    report.write_text(json.dumps({"cover_types": {"aspen": best}}))
    flags = ("--rows", "600", "--preset", "fast", "--trials", str(TRIALS), "--timeout", "120")
    return harness.submit(*flags, "--warm-start", str(report.parent))


def test_all_searches_run_at_once_and_report_their_progress(search: str) -> None:
    """Collect the observations of all polls: on a busy node the first search ends soon after the last has started."""
    told: dict[str, int] = {}
    asked: dict[str, dict[str, str]] = {}
    most_at_once = 0
    while len(told) < len(SLUGS) or most_at_once < len(SLUGS):
        workflow = harness.get("workflow", search)
        tunes = [node for node in harness.nodes(workflow) if node["type"] == "Pod" and node["templateName"] == "tune"]
        for node in tunes:
            done, _, total = node.get("progress", "").partition("/")
            if total == str(TRIALS) and int(done):
                told[node["name"]] = int(done)
        most_at_once = max(most_at_once, sum(node.get("phase") == "Running" for node in tunes))
        asked |= _requests(search)
        ended = workflow.get("status", {}).get("phase") in harness.ENDED
        assert not ended, (most_at_once, told, harness.phases(workflow))
        time.sleep(1)
    wanted = yaml.safe_load(Path(__file__).with_name("small.yaml").read_text())["steps"]["tune"]
    assert list(asked.values()) == [{"cpu": wanted["cpu"], "memory": wanted["memory"]}] * len(SLUGS)


def _requests(search: str) -> dict[str, dict[str, str]]:
    """Return the resource requests of each search's pod by its name. Pods that succeeded do not exist any more."""
    pods = harness.get("pods", "--selector", f"workflows.argoproj.io/workflow={search}")["items"]
    return {
        pod["metadata"]["name"]: container["resources"]["requests"]
        for pod in pods
        if "-tune-" in pod["metadata"]["name"]
        for container in pod["spec"]["containers"]
        if container["name"] == "main"
    }


def test_searches_end_by_their_time_and_say_what_they_found(search: str) -> None:
    ended = harness.wait(search)
    assert ended["status"]["phase"] == "Succeeded", harness.phases(ended)
    for slug in SLUGS:
        table = json.loads(harness.artifact(ended, slug, "trial-table"))
        assert 0 < len(table["trials"]) < TRIALS
        origins = {trial["origin"]: trial["parameters"] for trial in table["trials"]}
        assert ("warm start" in origins) == (slug == "aspen")
        if slug == "aspen":
            assert POINT.items() <= origins["warm start"].items()
        [tune] = [node for node in harness.nodes(ended) if node["name"] == f"{search}.{slug}-tune"]
        [outcome] = [entry for entry in tune["outputs"]["parameters"] if entry["name"] == "outcome"]
        assert outcome["value"].startswith(f"trial {table['best']} of {len(table['trials'])}: pr_auc ")


def test_a_later_run_goes_on_with_the_study_of_its_name(studies: str) -> None:
    job = ("--rows", "600", "--preset", "fast", "--cover-types", "4", "--pods", "cover-type")
    shared = ("--study-volume", studies, "--study-name", harness.new_name())
    tables = []
    for trials in (4, 6):
        ended = harness.wait(harness.submit(*job, *shared, "--trials", str(trials)))
        assert ended["status"]["phase"] == "Succeeded", harness.phases(ended)
        tables.append(json.loads(harness.artifact(ended, "cottonwood-willow", "trial-table"))["trials"])
    first, more = tables
    assert (len(first), len(more)) == (4, 6)
    assert more[:4] == first
