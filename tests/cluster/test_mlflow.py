"""MLflow's tracking server on the cluster: a registry is logged, its champion predicts, a new pod has lost nothing."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster import harness
from tests.workflows.tracking.conftest import _own_environment, mlflow_library
from tests.workflows.tracking.test_model_code import require_predictions_of_predict
from workflows.cluster.port_forward import local_address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["_own_environment", "mlflow_library"]  # fixtures
IMAGE = "covertype-mlflow:dev"
OVERLAY = str(harness.ROOT / "k8s/overlays/kind/mlflow")
ADDRESS = f"mlflow.{harness.NAMESPACE}:5000"
READY = ("rollout", "status", "deployment/mlflow", "--timeout=240s")


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    """The server, without data. One that is there already, perhaps with somebody's data, is an error."""
    harness.load_image(IMAGE)
    volume = f"{harness.PREFIX}-mlflow"
    made = harness.provide_volume(volume, "5Gi")
    harness.kubectl("create", "--kustomize", OVERLAY)
    try:
        harness.kubectl(*READY)
        yield
    finally:
        harness.kubectl("delete", "--wait=false", "--kustomize", OVERLAY)
        if made:
            harness.kubectl("delete", "--wait=false", f"persistentvolume/{volume}")


def log(registry: str) -> list[dict[str, Any]]:
    """Log the registry to the server of the environment, and return the versions."""
    found: list[dict[str, Any]] = json.loads(harness.pipeline("log-mlflow", "--registry", registry, "--json"))[
        "versions"
    ]
    return found


@pytest.mark.usefixtures("mlflow_library", "server", "access")
def test_the_champion_in_mlflow_predicts_as_predict_does_and_survives_its_pod(registry: str, tmp_path: Path) -> None:
    with local_address(ADDRESS, "") as found:
        os.environ["MLFLOW_TRACKING_URI"] = f"http://{found}"
        [champion] = log(registry)
        assert champion["aliases"] == ["champion", "candidate"]
    harness.kubectl("rollout", "restart", "deployment/mlflow")
    harness.kubectl(*READY)
    with local_address(ADDRESS, "") as found:
        os.environ["MLFLOW_TRACKING_URI"] = f"http://{found}"
        require_predictions_of_predict(tmp_path, registry, f"http://{found}")
        assert log(registry) == [{**champion, "already": True}]
