"""Fixtures of a real cluster: that of ``KUBECONFIG``, with Argo Workflows installed.

``COVERTYPE_IMAGE_LOAD`` is the command that loads the image into it, such as
``kind load docker-image {image} --name covertype``.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from steps import s3
from tests.cluster import harness
from workflows.cluster.port_forward import local_address

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


@pytest.fixture(scope="session")
def keys(cluster: None) -> dict[str, str]:  # noqa: ARG001 - it must be there
    """The keys of the store of the artifact repository."""
    data = harness.get("secret", harness.STORE)["data"]
    return {name: base64.b64decode(value).decode() for name, value in data.items()}


@pytest.fixture(scope="module")
def address(cluster: None) -> Iterator[str]:  # noqa: ARG001 - it must be there
    """Address of the store on this machine."""
    with local_address(harness.STORE_ADDRESS, "") as found:
        yield f"http://{found}"


@pytest.fixture(scope="module")
def store(keys: dict[str, str], address: str) -> s3.Store:
    return s3.connect(s3.Access(address, "us-east-1", keys["accessKey"], keys["secretKey"]))


@pytest.fixture(scope="module")
def access(keys: dict[str, str], address: str) -> Iterator[None]:
    """Let the verbs and libraries on this machine find the store."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", address)
        patch.setenv("AWS_ACCESS_KEY_ID", keys["accessKey"])
        patch.setenv("AWS_SECRET_ACCESS_KEY", keys["secretKey"])
        yield


@pytest.fixture(scope="session")
def secret(keys: dict[str, str]) -> Iterator[str]:
    """Name of a Secret with the keys of the store, for pods."""
    name = f"{harness.PREFIX}-store"
    values = {
        "AWS_ENDPOINT_URL": f"http://{harness.STORE_ADDRESS}",
        "AWS_ACCESS_KEY_ID": keys["accessKey"],
        "AWS_SECRET_ACCESS_KEY": keys["secretKey"],
    }
    document = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}
    harness.kubectl("create", "--filename", "-", given=json.dumps(document))
    yield name
    harness.kubectl("delete", f"secret/{name}")


@pytest.fixture(scope="session")
def registry(secret: str) -> str:
    """Address of a registry with a champion, which a run on the cluster registered."""
    found = f"s3://artifacts/{harness.PREFIX}-predict/models"
    flags = ("--preset", "fast", "--seed", "3", "--rows", "2100", "--pods", "all")
    workflow = harness.run("submit", *flags, "--registry", found, "--s3-secret", secret)
    assert workflow["status"]["phase"] == "Succeeded", harness.phases(workflow)
    return found
