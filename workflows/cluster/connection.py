"""The choice between the two ways to a cluster: argo-server, or the Kubernetes API."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workflows.cluster.client import Client


def connect(namespace: str, environment: Mapping[str, str]) -> Client:
    """Return a client: argo-server's where ARGO_SERVER is set, else the Kubernetes API's by kubeconfig."""
    if environment.get("ARGO_SERVER"):
        from workflows.cluster.server import ServerClient

        return ServerClient(namespace, environment)
    from workflows.cluster.kube import KubeClient

    return KubeClient(namespace, environment)
