"""Fixtures of a real cluster: that of ``KUBECONFIG``, with Argo Workflows installed.

``COVERTYPE_IMAGE_LOAD`` is the command that loads the image into it, such as
``kind load docker-image {image} --name covertype``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster import harness

if TYPE_CHECKING:
    from collections.abc import Iterator

# Flags of the run that is compared with a local one.
FLAGS = ("--rows", "2000", "--preset", "fast", "--seed", "3")


@pytest.fixture(scope="session", autouse=True)
def temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the place of that of other tests, without TMPDIR: the cluster keeps its volumes for the next time."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="session", autouse=True)
def cluster() -> Iterator[None]:
    """Prepare the cluster; afterwards delete the runs of the tests, and keep the rest for the next time."""
    if reason := harness.missing():
        pytest.skip(reason)
    harness.prepare()
    yield
    runs = [item["metadata"]["name"] for item in harness.get("workflows")["items"]]
    if ours := [name for name in runs if name.startswith(harness.PREFIX)]:
        harness.kubectl("delete", "workflow", *ours)


@pytest.fixture(scope="session")
def finished(cluster: None) -> dict[str, Any]:  # noqa: ARG001 - it must be there
    """A finished run of the whole DAG on the cluster."""
    return harness.wait(harness.submit(*FLAGS))


@pytest.fixture(scope="session")
def fused(cluster: None) -> dict[str, Any]:  # noqa: ARG001 - it must be there
    """The same with a pod for each per-cover-type pipeline."""
    return harness.wait(harness.submit(*FLAGS, "--pods", "cover-type"))


@pytest.fixture(scope="session")
def whole(cluster: None) -> dict[str, Any]:  # noqa: ARG001 - it must be there
    """The same with one pod for all steps."""
    return harness.wait(harness.submit(*FLAGS, "--pods", "all"))


@pytest.fixture(scope="session")
def studies(cluster: None) -> Iterator[str]:  # noqa: ARG001 - it must be there
    """Name of a volume claim for the trials of searches."""
    name = f"{harness.PREFIX}-studies"
    harness.claim(name)
    yield name
    harness.kubectl("delete", "--wait=false", f"persistentvolumeclaim/{name}")


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same run on this machine."""
    output = tmp_path_factory.mktemp("runs")
    result = json.loads(harness.pipeline("run", "--json", "--no-cache", "--output", str(output), *FLAGS))
    return Path(result["directory"])
