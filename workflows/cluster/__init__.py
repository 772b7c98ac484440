"""Runs on a cluster: by argo-server, or by the Kubernetes API alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workflows.cluster.client import Client

__all__ = ["connect_to_cluster"]


def connect_to_cluster(namespace: str, environment: Mapping[str, str]) -> Client:
    """Return a client of a cluster: argo-server's where ARGO_SERVER is set, else the Kubernetes API's by kubeconfig."""
    if environment.get("ARGO_SERVER"):
        from workflows.cluster.argo_server import ServerClient

        return ServerClient(namespace, environment)
    from workflows.cluster.kube import KubeClient

    return KubeClient(namespace, environment)
