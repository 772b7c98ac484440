"""Documents of a run as a cluster has them, their addresses, and the command line that reads them."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from steps.core import runtime
from workflows.covertype import app

# A run of two cover types of Argo 4.0.7 in which one failed to train; fields that nothing reads are left out.
RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "recorded_run.json").read_text())
NAME = RECORDED["metadata"]["name"]
ARGO = "/apis/argoproj.io/v1alpha1/namespaces/covertype"
CORE = "/api/v1/namespaces/covertype"
KUBE = f"{ARGO}/workflows"
SERVER = "/api/v1/workflows/covertype"
PULLING = 'ImagePullBackOff: Back-off pulling image "nowhere:1"'


def invoke(*words: object) -> int:
    """Run the command line in this process and return its exit code."""
    return runtime.run_to_exit_code(lambda: app(args=[str(word) for word in words], standalone_mode=False) or 0)


def created(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "covertype"}, "spec": {}}


def running(phase: str = "Running", message: str = "", node_phase: str = "Pending") -> dict[str, Any]:
    """Return a run whose first step has a pod."""
    node = {"id": f"{NAME}-1", "name": f"{NAME}.prepare(0)", "type": "Pod", "phase": node_phase, "message": message}
    return {**RECORDED, "status": {"phase": phase, "nodes": {"1": {**node, "templateName": "prepare"}}}}


def succeeded() -> dict[str, Any]:
    return {**RECORDED, "status": {"phase": "Succeeded", "nodes": {}}}


def with_node(name: str, **changes: Any) -> dict[str, Any]:
    """Return the recorded run with changes to one of its nodes."""
    workflow = copy.deepcopy(RECORDED)
    node = next(node for node in workflow["status"]["nodes"].values() if node["name"] == f"{NAME}.{name}")
    node.update(changes)
    return workflow


def log_path(step: str = "aspen-train", template: str = "train-aspen") -> str:
    """Return the address of the log of a step's pod."""
    [node] = [node for node in RECORDED["status"]["nodes"].values() if node["name"].endswith(f".{step}(0)")]
    return f"{CORE}/pods/{NAME}-{template}-{node['id'].rpartition('-')[2]}/log"
