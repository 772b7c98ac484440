"""The Deployment of ``serve``, its pods and its answers as a cluster has them."""

from __future__ import annotations

from typing import Any

CORE = "/api/v1/namespaces/covertype"
DEPLOYMENT = "/apis/apps/v1/namespaces/covertype/deployments/covertype-serve"
PODS = f"{CORE}/pods"
PROXY = f"{CORE}/services/covertype-serve:http/proxy"
ROW = {"Elevation": 2596, "Soil_Type": "C7745"}
OPENAPI: dict[str, Any] = {
    "paths": {
        "/predict": {
            "post": {"requestBody": {"content": {"application/json": {"examples": {"one row": {"value": ROW}}}}}}
        }
    }
}


def container(version: str, image: str) -> dict[str, Any]:
    variables = [{"name": "OTHER", "value": "1"}, {"name": "COVERTYPE_VERSION", "value": version}]
    return {"name": "serve", "image": image, "env": variables}


def deployment(
    version: str, image: str = "serve:1", *, ready: int = 2, old: int = 0, pods: int = 2, **status: Any
) -> dict[str, Any]:
    """Return a Deployment with ``ready`` new pods and ``old`` old ones, which are ready too."""
    template = {"spec": {"containers": [{"name": "proxy", "image": "proxy:1"}, container(version, image)]}}
    known = {
        "observedGeneration": 3,
        "replicas": ready + old,
        "updatedReplicas": ready,
        "availableReplicas": ready + old,
    }
    return {
        "metadata": {"name": "covertype-serve", "generation": 3},
        "spec": {"replicas": pods, "template": template},
        "status": {**known, **status},
    }


def pod(version: str, image: str = "serve:1", **state: Any) -> dict[str, Any]:
    """Return a pod whose container has this status."""
    status = {"containerStatuses": [{"name": "serve", "restartCount": 0, "state": {}, **state}]}
    return {
        "metadata": {"name": f"pod-{version}"},
        "spec": {"containers": [container(version, image)]},
        "status": status,
    }


def answer(version: str, cover_type: object = 2, probability: float = 0.75) -> dict[str, Any]:
    """Return what the service answers to a row."""
    prediction = {"cover_type": cover_type, "probability": probability, "scores": {"aspen": 0.25, "krummholz": 0.75}}
    return {"model_name": "covertype", "model_version": version, "predictions": [prediction]}
