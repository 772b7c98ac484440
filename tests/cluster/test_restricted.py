"""With an unconfigured controller, Argo's containers must pass *restricted* by the settings of the workflow alone.

The test starts a second controller, which handles only workflows with its label.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.cluster import harness

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTANCE = "unconfigured"
LABEL = "workflows.argoproj.io/controller-instanceid"
NAME = f"workflow-controller-{INSTANCE}"


@pytest.fixture(scope="module")
def unconfigured_controller() -> Iterator[None]:
    """Start a copy of the controller with an empty configuration; delete it afterwards."""
    spec = harness.get("deployment", "workflow-controller", "--namespace", "argo")["spec"]
    labels = {"app": NAME}
    spec["selector"], spec["template"]["metadata"] = {"matchLabels": labels}, {"labels": labels}
    [container] = spec["template"]["spec"]["containers"]
    container["args"] = [*container.get("args", []), f"--configmap={NAME}"]
    metadata = {"name": NAME, "namespace": "argo"}
    config = {"config": f"instanceID: {INSTANCE}\n"}
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": config},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec},
    ]
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    harness.command(["kubectl", "apply", "--filename", "-"], given=given)
    try:
        harness.command(["kubectl", "rollout", "status", f"deployment/{NAME}", "--namespace", "argo", "--timeout=90s"])
        yield
    finally:
        harness.command(["kubectl", "delete", "--namespace", "argo", f"deployment/{NAME}", f"configmap/{NAME}"])


def submitted(*, patched: bool) -> str:
    """Submit a run of one cover type for that controller, and return its name."""
    document = yaml.safe_load(harness.render("--rows", "1000", "--preset", "fast", "--cover-types", "aspen"))
    document["metadata"]["labels"][LABEL] = INSTANCE
    if not patched:
        del document["spec"]["podSpecPatch"]
    harness.kubectl("create", "--filename", "-", given=json.dumps(document))
    name: str = document["metadata"]["name"]
    return name


@pytest.mark.usefixtures("unconfigured_controller")
def test_argo_s_own_containers_are_restricted_by_the_workflow() -> None:
    done = harness.wait(submitted(patched=True))
    assert done["status"]["phase"] == "Succeeded", harness.phases(done)


@pytest.mark.usefixtures("unconfigured_controller")
def test_without_the_patch_that_controller_s_pods_are_refused() -> None:
    """Show that the test above can fail."""
    name, end = submitted(patched=False), time.monotonic() + 60
    while "violates PodSecurity" not in str(harness.get("workflow", name).get("status")):
        assert time.monotonic() < end, harness.get("workflow", name)
        time.sleep(1)
    stop = {"spec": {"shutdown": "Terminate"}}
    harness.kubectl("patch", "workflow", name, "--type", "merge", "--patch", json.dumps(stop))
