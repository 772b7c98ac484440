"""The life of a registry on the cluster: register, score with the champion, refuse, promote, and roll back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import harness
from tests.cluster.test_predict import summary
from tests.support import real_rows, write_table

pytestmark = pytest.mark.usefixtures("access")
REGISTRY = f"s3://artifacts/{harness.PREFIX}-cycle/models"
# Few rows suffice, because the models differ much in their numbers of trees.
DATA = ("--preset", "fast", "--seed", "3", "--rows", "4000", "--cover-types", "1,2", "--pods", "all")
FLAGS = (*DATA, "--registry", REGISTRY, "--policy", str(Path(__file__).with_name("policy.toml")))
FIRST, WORSE, BETTER = ("3", "1", "60")


def register(rounds: str, secret_name: str) -> dict[str, Any]:
    """Train and register on the cluster, and return the workflow."""
    workflow = harness.run("submit", *FLAGS, "--set", f"train.rounds={rounds}", "--s3-secret", secret_name)
    assert workflow["status"]["phase"] == "Succeeded", harness.phases(workflow)
    return workflow


def versions() -> dict[str, dict[str, Any]]:
    found = json.loads(harness.pipeline("versions", "--registry", REGISTRY, "--json"))
    return {each["version"]: each for each in found}


def champion() -> str:
    [name] = [name for name, facts in versions().items() if "champion" in facts["aliases"]]
    return name


def scores(table: Path, target: Path) -> bytes:
    """Return the scores of a table by the champion, on this machine."""
    harness.pipeline("predict", "--input", str(table), "--output", str(target), "--registry", REGISTRY)
    return target.read_bytes()


def test_the_life_of_a_registry(secret: str, tmp_path: Path) -> None:
    first = register(FIRST, secret)["metadata"]["name"]
    assert champion() == first
    table = write_table(tmp_path / "table.csv", real_rows(700))
    before = scores(table, tmp_path / "before.csv")
    words = ("--input", str(table), "--output", "scores.csv", "--registry", REGISTRY, "--s3-secret", secret)
    nightly = harness.run("submit-predict", *words)
    assert nightly["status"]["phase"] == "Succeeded", harness.phases(nightly)
    assert summary(nightly).startswith("700 rows scored")

    worse = register(WORSE, secret)["metadata"]["name"]
    assert champion() == first
    assert versions()[worse]["decision"]["verdict"] == "worse"
    refused = subprocess.run(
        [sys.executable, "workflows/covertype.py", "promote", "candidate", "--registry", REGISTRY],
        cwd=harness.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1), refused.stderr
    harness.pipeline("promote", worse, "--registry", REGISTRY, "--force", "a trial")
    assert champion() == worse
    harness.pipeline("rollback", "--registry", REGISTRY)
    assert champion() == first

    workflow = register(BETTER, secret)
    better = workflow["metadata"]["name"]
    assert champion() == better
    assert versions()[better]["decision"]["verdict"] == "better"
    harness.pipeline("fetch", better, "--namespace", harness.NAMESPACE, "--output", str(tmp_path))
    assert f"{better} is now champion." in (tmp_path / better / "report.html").read_text()
    assert scores(table, tmp_path / "better.csv") != before
    harness.pipeline("rollback", "--registry", REGISTRY, "--reason", "the end of the test")
    assert champion() == first
    assert scores(table, tmp_path / "after.csv") == before
