"""The whole DAG has the same results on a cluster as on this machine."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from steps import schema
from tests.cluster import harness

if TYPE_CHECKING:
    from pathlib import Path

SLUGS = schema.load(schema.BUILTIN).slugs


def test_whole_dag_succeeds(finished: dict[str, Any]) -> None:
    assert finished["status"]["phase"] == "Succeeded", harness.phases(finished)
    pods = [node for node in harness.nodes(finished) if node["type"] == "Pod"]
    assert {node["phase"] for node in pods} == {"Succeeded"}
    assert len([node for node in pods if node["templateName"] == "train"]) == len(SLUGS)
    [summary] = [node for node in harness.nodes(finished) if node["displayName"] == "report" and "outputs" in node]
    assert summary["outputs"]["parameters"][0]["name"] == "summary"


@pytest.mark.parametrize("slug", SLUGS)
def test_model_is_byte_for_byte_that_of_a_local_run(finished: dict[str, Any], local: Path, slug: str) -> None:
    here = (local / "models" / slug / "model.ubj").read_bytes()
    there = harness.artifact(finished, slug, "model", "model.ubj")
    assert len(here) > 1000
    assert hashlib.sha256(there).hexdigest() == hashlib.sha256(here).hexdigest()


@pytest.mark.parametrize("slug", SLUGS)
def test_metrics_are_those_of_a_local_run(finished: dict[str, Any], local: Path, slug: str) -> None:
    here = local / "nodes" / f"{slug}-evaluate/out/metrics/metrics"
    assert json.loads(harness.artifact(finished, slug, "metrics")) == json.loads(here.read_text())


def test_all_steps_in_one_pod_give_the_same_files_and_figures(
    whole: dict[str, Any], finished: dict[str, Any], local: Path
) -> None:
    assert whole["status"]["phase"] == "Succeeded", harness.phases(whole)
    [pod] = [node for node in harness.nodes(whole) if node["type"] == "Pod"]
    assert pod["displayName"] == "all(0)"
    for slug in SLUGS:
        here = (local / "models" / slug / "model.ubj").read_bytes()
        assert harness.artifact(whole, slug, "model", "model.ubj") == here
        for artifact, step in (("metrics", "evaluate"), ("scores", "evaluate"), ("learning-curve", "train")):
            made = (local / "nodes" / f"{slug}-{step}/out/{artifact}/{artifact}").read_bytes()
            assert harness.artifact(whole, slug, artifact) == made

    def figures(workflow: dict[str, Any]) -> list[dict[str, Any]]:
        [root] = [node for node in harness.nodes(workflow) if node["name"] == workflow["metadata"]["name"]]
        found: list[dict[str, Any]] = root["outputs"]["parameters"]
        return found

    assert figures(whole) == figures(finished)


def test_chains_in_one_pod_each_give_the_same_models(fused: dict[str, Any], local: Path) -> None:
    assert fused["status"]["phase"] == "Succeeded", harness.phases(fused)
    assert len([node for node in harness.nodes(fused) if node["type"] == "Pod"]) == 2 + len(SLUGS)
    for slug in SLUGS:
        here = (local / "models" / slug / "model.ubj").read_bytes()
        assert harness.artifact(fused, slug, "model", "model.ubj") == here
