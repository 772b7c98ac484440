"""The Deployment of ``serve`` and its pods as a cluster describes them, and the client that reads and changes them.

The version and the image in the pod template are replaced by one JSON patch, which also tests that they are still what
they were: two rollouts at once cannot overwrite each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import urllib3

from steps.core.errors import TERMINATED, BadConfigurationError, TransientError, UnavailableError
from workflows.cluster import http
from workflows.cluster.kube import KubeClient, NoKubeconfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DEPLOYMENT, CONTAINER, VARIABLE = "covertype-serve", "serve", "COVERTYPE_VERSION"
SELECTOR = f"app.kubernetes.io/name={DEPLOYMENT}"
_APPS, _MANAGER = ("apps", "v1"), "covertype"
_HOPELESS_REASONS = {"ErrImageNeverPull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError"}
# Exit codes after which another start may succeed: unavailable, transient, and terminated from outside.
_AGAIN = {UnavailableError.exit_code, TransientError.exit_code, TERMINATED}
_MOST_RESTARTS = 3


class ServingClient(KubeClient):
    """A client of the Kubernetes API that knows the service too.

    Raises:
        BadConfigurationError: there is no kubeconfig that can be used. argo-server does not know Deployments.
    """

    def __init__(self, namespace: str, environment: Mapping[str, str]) -> None:
        try:
            super().__init__(namespace, environment)
        except NoKubeconfigError as error:
            fix = "set KUBECONFIG; argo-server cannot replace it here"
            raise BadConfigurationError(error.what, where=error.where, fix=fix) from None

    def deployment(self) -> Service:
        """Return the Deployment; NoInputError if there is none."""
        method, where = self.custom.get_namespaced_custom_object, (*_APPS, self.namespace, "deployments", DEPLOYMENT)
        return Service.read(self.call(method, *where))

    def change(self, service: Service, target: Target) -> Service:
        """Let the pods run something else, and return the Deployment.

        Raises:
            BadConfigurationError: others changed version or image since it was read, or the new values are not valid.
        """
        method, where = self.custom.patch_namespaced_custom_object, (*_APPS, self.namespace, "deployments", DEPLOYMENT)
        options = {"field_manager": _MANAGER, "_content_type": "application/json-patch+json"}
        return Service.read(self.call(method, *where, service.operations(target), **options))

    def pods(self, target: Target) -> Sequence[dict[str, Any]]:
        """Return the pods of the service that run a target."""
        found = self.call(self.core.list_namespaced_pod, self.namespace, label_selector=SELECTOR)["items"]
        return [pod for pod in found if (own := _find_target(pod["spec"]["containers"])) and own[-1] == target]

    def send(self, method: str, path: str, *, body: object = None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Send a request through the server to a service of the cluster, and return status and content of its answer.

        Args:
            method: HTTP method.
            path: path on the server, such as ``/api/v1/namespaces/a/services/b:http/proxy/c``.
            body: JSON value to send.
            headers: headers for the service. The server does not pass ``Authorization`` on.

        Raises:
            UnavailableError: the server did not answer.
        """
        prepared = self.api.param_serialize(
            method, path, header_params=dict(headers), body=body, auth_settings=["BearerToken"]
        )
        try:
            answer = self.api.call_api(*prepared, _request_timeout=http.TIMEOUT)
            content: bytes = answer.read()
        except urllib3.exceptions.HTTPError as error:
            raise http.unreachable(error, self.server) from None
        return answer.status, content


@dataclass(frozen=True)
class Target:
    """What the pods shall run.

    Attributes:
        version: version or alias.
        image: image of the container.
    """

    version: str
    image: str

    def __str__(self) -> str:
        """Return it for messages."""
        return f"{self.version} with {self.image}"


@dataclass(frozen=True)
class Service:
    """The Deployment of ``serve`` as the cluster describes it.

    Attributes:
        document: the Deployment.
        container: position of its container.
        variable: position of the variable with the version in the container.
        target: what its pods shall run.
    """

    document: Mapping[str, Any]
    container: int
    variable: int
    target: Target

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Service:
        """Return the Deployment in a document; BadConfigurationError if it is not that of ``serve``."""
        found = _find_target(document["spec"]["template"]["spec"]["containers"])
        if found is not None:
            return cls(document, *found)
        what = f"its container {CONTAINER} has no variable {VARIABLE}"
        raise BadConfigurationError(what, where=DEPLOYMENT, fix="apply an overlay with k8s/serve")

    def __str__(self) -> str:
        """Return its state for messages."""
        ready, old = self.progress
        return f"{self.target}, {ready} of {self.pods} new pods ready, {old} old ones left"

    def operations(self, target: Target) -> list[dict[str, object]]:
        """Return the JSON patch that makes the pods run something else, unless others changed it meanwhile."""
        container = f"/spec/template/spec/containers/{self.container}"
        variable = f"{container}/env/{self.variable}"
        return [
            {"op": "test", "path": f"{container}/name", "value": CONTAINER},
            {"op": "test", "path": f"{container}/image", "value": self.target.image},
            {"op": "test", "path": f"{variable}/name", "value": VARIABLE},
            {"op": "test", "path": f"{variable}/value", "value": self.target.version},
            {"op": "replace", "path": f"{container}/image", "value": target.image},
            {"op": "replace", "path": f"{variable}/value", "value": target.version},
        ]

    @property
    def pods(self) -> int:
        """How many pods it shall have."""
        return int(self.document["spec"].get("replicas", 1))

    @property
    def progress(self) -> tuple[int, int]:
        """How many new pods are ready, and how many old ones are left."""
        status = self.document.get("status", {})
        if status.get("observedGeneration", 0) < self.document["metadata"]["generation"]:
            return 0, int(status.get("replicas", 0))
        updated, every = int(status.get("updatedReplicas", 0)), int(status.get("replicas", 0))
        ready = max(0, int(status.get("availableReplicas", 0)) - (every - updated))
        return min(ready, updated), every - updated

    @property
    def complete(self) -> bool:
        """Whether all of its pods are new and ready."""
        return self.progress == (self.pods, 0) and self.document.get("status", {}).get("replicas", 0) == self.pods

    @property
    def refused(self) -> str:
        """Why the cluster creates no pods, such as a quota; empty if it does."""
        conditions = self.document.get("status", {}).get("conditions", ())
        found = (each for each in conditions if each["type"] == "ReplicaFailure" and each["status"] == "True")
        return next((str(each.get("message", "")) for each in found), "")


def _find_target(containers: Sequence[Mapping[str, Any]]) -> tuple[int, int, Target] | None:
    """Return the positions of the container and of its variable with the version, and what it runs; None without."""
    for at, container in enumerate(containers):
        for number, variable in enumerate(container.get("env", ())):
            if (container["name"], variable["name"]) == (CONTAINER, VARIABLE):
                return at, number, Target(variable.get("value", ""), container["image"])
    return None


def troubles_of(pod: Mapping[str, Any]) -> Iterator[tuple[bool, str]]:
    """Yield what is wrong with a pod, each with whether it stays so."""
    status = pod.get("status", {})
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield False, str(condition.get("message", "not scheduled"))
    for container in status.get("containerStatuses", ()):
        waiting = container["state"].get("waiting", {})
        ended = container["state"].get("terminated") or container.get("lastState", {}).get("terminated")
        if ended and ended["exitCode"]:
            often = container.get("restartCount", 0) >= _MOST_RESTARTS
            message = " ".join(str(ended.get("message") or ended.get("reason", "")).split())
            yield often or ended["exitCode"] not in _AGAIN, f"exit code {ended['exitCode']}: {message}"
        elif reason := waiting.get("reason", ""):
            message = f"{reason} {waiting.get('message', '')}".strip()
            yield reason in _HOPELESS_REASONS, message
