"""Access of the tests to a cluster: kubectl, and workflows that the command line has rendered.

This module does not use the project's client of a cluster, because the tests are about that client.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
OVERLAY = ROOT / "k8s/overlays/kind"
NAMESPACE = "covertype"
STORE = "artifact-store"
STORE_ADDRESS = f"{STORE}.{NAMESPACE}:8333"
IMAGE = os.environ.get("COVERTYPE_IMAGE", "covertype-steps:dev")
# Label of the runs of this session, which are deleted at its end. Those of other sessions are kept.
PREFIX = f"test-{secrets.token_hex(2)}"
ENDED = {"Succeeded", "Failed", "Error"}
SMALL = str(Path(__file__).with_name("small.yaml"))


def new_name() -> str:
    """Return a name for a new run of this session."""
    return f"{PREFIX}-{secrets.token_hex(2)}"


def command(words: list[str], *, given: str | None = None, timeout: float = 300) -> bytes:
    """Run a command and return its output; an error contains what it printed on standard error."""
    done = subprocess.run(
        words,
        input=None if given is None else given.encode(),
        cwd=ROOT,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"{shlex.join(words)}: {done.stderr.decode()}"
    return done.stdout


def kubectl(*words: str, given: str | None = None) -> bytes:
    """Run kubectl in the project's namespace."""
    return command(["kubectl", "--namespace", NAMESPACE, *words], given=given)


def get(*words: str) -> dict[str, Any]:
    """Return the output of ``kubectl get`` as plain values."""
    found: dict[str, Any] = json.loads(kubectl("get", *words, "--output", "json"))
    return found


def pipeline(*words: str) -> str:
    """Run the project's command line and return its output."""
    return command([sys.executable, "workflows/covertype.py", *words]).decode()


def prepare() -> None:
    """Apply the overlay and its Secret, create a volume if the cluster provides none, and load the image."""
    if not get("persistentvolumes")["items"]:
        provide_volume("covertype-artifacts", "10Gi")
    kubectl("apply", "--kustomize", str(OVERLAY))
    command([str(ROOT / "k8s/artifact-store-secret"), NAMESPACE])
    load_image(IMAGE)
    kubectl("rollout", "status", f"deployment/{STORE}", "--timeout=120s")


def load_image(image: str) -> None:
    """Load an image into the cluster, if ``COVERTYPE_IMAGE_LOAD`` says how."""
    if load := os.environ.get("COVERTYPE_IMAGE_LOAD"):
        command([word.replace("{image}", image) for word in shlex.split(load)], timeout=600)


def claim(name: str) -> None:
    """Create a volume claim, and the volume if the cluster provides none."""
    size = {"storage": "1Gi"}
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": size}}
    if provide_volume(name, "1Gi"):
        spec |= {"volumeName": name, "storageClassName": ""}
    kind = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}}
    kubectl("create", "--filename", "-", given=json.dumps({**kind, "spec": spec}))


def provide_volume(name: str, size: str) -> bool:
    """Create a volume if the cluster provides none, and return whether it was necessary."""
    if get("storageclasses")["items"]:
        return False
    kubectl("create", "--filename", "-", given=json.dumps(_volume(name, size)))
    return True


def _volume(name: str, size: str) -> dict[str, Any]:
    """Return a volume for a node on this machine: a folder that every user can write to."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    folder.chmod(0o777)
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": size},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Delete",
            "hostPath": {"path": str(folder)},
        },
    }


def render(*flags: str) -> str:
    """Return the workflow of a run with these flags and a new name, as YAML."""
    return pipeline(
        "render", "--name", new_name(), "--namespace", NAMESPACE, "--image", IMAGE, "--config", SMALL, *flags
    )


def submit(*flags: str) -> str:
    """Submit a run with these flags, and return its name."""
    given = kubectl("create", "--filename", "-", "--output", "name", given=render(*flags))
    return given.decode().strip().rpartition("/")[2]


def start(verb: str, *words: str) -> str:
    """Submit a workflow by a verb of the project's command line, and return its name."""
    name = new_name()
    pipeline(verb, "--name", name, "--namespace", NAMESPACE, "--image", IMAGE, "--config", SMALL, *words)
    return name


def run(verb: str, *words: str) -> dict[str, Any]:
    """Submit a workflow by a verb of the project's command line, and return it when it has ended."""
    return wait(start(verb, *words))


def wait(name: str, timeout: float = 900) -> dict[str, Any]:
    """Wait until a run has ended, and return its Workflow."""
    end = time.monotonic() + timeout
    while True:
        workflow = get("workflow", name)
        if workflow.get("status", {}).get("phase") in ENDED:
            return workflow
        assert time.monotonic() < end, f"{name} did not end in {timeout} s: {json.dumps(phases(workflow))}"
        time.sleep(2)


def nodes(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the nodes of a run."""
    return list(workflow.get("status", {}).get("nodes", {}).values())


def phases(workflow: dict[str, Any]) -> dict[str, list[str | None]]:
    """Return phase and message of each node by its name, for the messages of assertions."""
    return {node["name"]: [node.get("phase"), node.get("message")] for node in nodes(workflow)}


def artifact(workflow: dict[str, Any], cover_type: str, name: str, file: str = "") -> bytes:
    """Return the bytes of an artifact of a cover type from the store; for a folder, those of a file in it.

    The store's file port listens only inside its pod, so the file is read there.
    """
    prefix = f"{workflow['metadata']['name']}.{cover_type}"
    keys = {
        entry["s3"]["key"]
        for node in nodes(workflow)
        for entry in node.get("outputs", {}).get("artifacts", [])
        if entry["name"] == (name if node["name"].startswith(prefix) else f"{name}-{cover_type}")
    }
    [key] = keys  # the step and its last attempt have the same
    address = f"http://127.0.0.1:8888/buckets/artifacts/{key}" + (f"/{file}" if file else "")
    return kubectl("exec", f"deployment/{STORE}", "--", "/usr/bin/weed", "filer.cat", address)


def missing() -> str:
    """Return why there is no cluster to test on; empty if there is one."""
    if not os.environ.get("KUBECONFIG"):
        return "KUBECONFIG names no cluster"
    return "" if shutil.which("kubectl") else "kubectl is not on the path"
