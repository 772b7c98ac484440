"""Checks of what this pipeline needs of a cluster: each failure with the command that fixes it.

A kubeconfig allows all checks; argo-server's API allows only some, and the rest is reported as unknown.
"""

from __future__ import annotations

import enum
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steps.core.errors import BadConfigurationError, DeniedError, NoInputError, PipelineError
from steps.core.runtime import log
from workflows.cluster import artifact_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from workflows.cluster.argo_server import ServerClient
    from workflows.cluster.kube import KubeClient

    Permission = tuple[str, str, str]

_ARGO = ("argoproj.io", "v1alpha1")
_KINDS = ("workflows", "workflowtemplates", "cronworkflows", "workflowtaskresults")
_INSTALL = "kubectl apply --server-side -k k8s/overlays/kind, or another overlay"
# Permissions that the commands need: verb, API group, resource.
_COMMANDS = (
    *((verb, "argoproj.io", "workflows") for verb in ("create", "get", "list", "patch", "delete")),
    *((verb, "argoproj.io", kind) for kind in ("workflowtemplates", "cronworkflows") for verb in ("create", "patch")),
    ("get", "", "pods/log"),
)
_PODS = (("create", "argoproj.io", "workflowtaskresults"), ("patch", "argoproj.io", "workflowtaskresults"))
# A kubelet lists its images every 30 s, and reports them up to 10 s later.
IMAGE_WAIT_SECONDS = 45.0
_IMAGE_POLL_SECONDS = 2.0


class State(enum.StrEnum):
    """Result of a check."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """A check: its name, its result, what it found, and the command or setting that fixes it."""

    check: str
    state: State
    seen: str
    fix: str = ""


def examine_kube(
    client: KubeClient, service_account: str, image: str, *, image_wait: float = IMAGE_WAIT_SECONDS
) -> Iterator[Finding]:
    """Check a cluster by its Kubernetes API; stop at the first failure that makes the other checks meaningless.

    Args:
        client: Client of the cluster.
        service_account: Service account of the pods.
        image: Image of the steps.
        image_wait: Longest time in seconds to wait until a node reports an image that no registry can hold.
    """
    namespace = client.namespace
    server = _check("API", lambda: _version(client), needed=True)
    yield server
    if server.state is State.FAILED:
        return
    yield _check("Argo Workflows", lambda: _kinds(client))
    found = _check("namespace", lambda: _pod_security(client))
    yield found
    if found.state is State.FAILED:
        return
    yield from _permissions("your permissions", _COMMANDS, lambda permission: _allowed(client, permission))
    yield _check("service account", lambda: _account(client, service_account))
    account = f"system:serviceaccount:{namespace}:{service_account}"
    yield from _permissions("the pods' permissions", _PODS, lambda permission: _allowed(client, permission, account))
    yield from _repository(client)
    yield _check("image", lambda: _image(client, image, image_wait))


def examine_server(client: ServerClient, workflow: dict[str, Any]) -> Iterator[Finding]:
    """Check a cluster by argo-server: it answers, allows to list and create, and accepts the workflow."""
    server = _check(
        "argo-server", lambda: f"{client.call('api/v1/version').json()['version']} at {client.server}", needed=True
    )
    yield server
    if server.state is State.FAILED:
        return
    yield _check("list workflows", lambda: f"{len(client.list())} in namespace {client.namespace}", needed=True)
    yield _check("create workflows", lambda: _accepted(client, workflow), needed=True)
    yield Finding(
        "other checks", State.UNKNOWN, "not possible by argo-server's API", "use a kubeconfig without ARGO_SERVER"
    )


def _accepted(client: ServerClient, workflow: dict[str, Any]) -> str:
    client.create(workflow, dry_run=True)
    return "allowed, and the workflow is valid"


def _check(check: str, action: Callable[[], str], *, needed: bool = False) -> Finding:
    """Return what an action finds; unknown where a permission is missing that is not itself ``needed``."""
    try:
        return Finding(check, State.OK, action())
    except PipelineError as error:
        unknown = isinstance(error, DeniedError) and not needed
        return Finding(check, State.UNKNOWN if unknown else State.FAILED, error.what, error.fix or "")


def _version(client: KubeClient) -> str:
    from kubernetes.client import VersionApi

    return f"Kubernetes {client.call(VersionApi(client.api).get_code)['gitVersion']} at {client.server}"


def _kinds(client: KubeClient) -> str:
    try:
        found = {entry["name"] for entry in client.call(client.custom.get_api_resources, *_ARGO)["resources"]}
    except PipelineError:
        found = set()
    missing = [kind for kind in _KINDS if kind not in found]
    if missing:
        raise NoInputError(
            f"the cluster does not know {', '.join(missing)}", fix="install Argo Workflows, see the README"
        )
    return f"knows {', '.join(_KINDS)}"


def _pod_security(client: KubeClient) -> str:
    try:
        labels = client.call(client.core.read_namespace, client.namespace)["metadata"].get("labels") or {}
    except NoInputError:
        raise NoInputError(f"no namespace {client.namespace}", fix=_INSTALL) from None
    level = labels.get("pod-security.kubernetes.io/enforce", "no level")
    return f"{client.namespace}, pod security {level}"


def _account(client: KubeClient, name: str) -> str:
    try:
        client.call(client.core.read_namespaced_service_account, name, client.namespace)
    except NoInputError:
        raise NoInputError(f"no {name} in namespace {client.namespace}", fix=_INSTALL) from None
    return name


def _permissions(check: str, needed: Sequence[Permission], allowed: Callable[[Permission], bool]) -> Iterator[Finding]:
    """Check the permissions of one account together: all granted, or the missing ones."""
    try:
        missing = [f"{verb} {resource}" for verb, group, resource in needed if not allowed((verb, group, resource))]
    except PipelineError as error:
        yield Finding(check, State.UNKNOWN, error.what, error.fix or "")
        return
    if missing:
        yield Finding(check, State.FAILED, f"not allowed: {', '.join(missing)}", _INSTALL)
    else:
        yield Finding(check, State.OK, f"{len(needed)} of {len(needed)} needed")


def _allowed(client: KubeClient, permission: Permission, user: str = "") -> bool:
    """Return whether the current user, or another one, has a permission: an access review of the Kubernetes API."""
    from kubernetes.client import AuthorizationV1Api

    authorization = AuthorizationV1Api(client.api)
    verb, group, resource = permission
    name, _, part = resource.partition("/")
    attributes = {"namespace": client.namespace, "verb": verb, "group": group, "resource": name, "subresource": part}
    if user:
        review = {"spec": {"resourceAttributes": attributes, "user": user}}
        answer = client.call(authorization.create_subject_access_review, review)
    else:
        review = {"spec": {"resourceAttributes": attributes}}
        answer = client.call(authorization.create_self_subject_access_review, review)
    return bool(answer["status"]["allowed"])


def _repository(client: KubeClient) -> Iterator[Finding]:
    """Check the default artifact repository of the namespace, and the Secrets that it names."""
    try:
        default, document = artifact_store.default_repository(client)
    except (NoInputError, BadConfigurationError) as error:
        yield Finding("artifact repository", State.FAILED, error.what, _INSTALL)
        return
    except PipelineError as error:
        yield Finding("artifact repository", State.UNKNOWN, error.what, error.fix or "")
        return
    kind = next((name for name in artifact_store.STORES if name in document), "unknown")
    yield Finding("artifact repository", State.OK, f"{default}: {kind} bucket {document.get(kind, {}).get('bucket')}")
    for name in sorted({key["name"] for key in _secret_keys(document.get(kind, {}))}):
        yield _check(f"secret {name}", lambda name=name: _secret(client, name, document[kind]))  # type: ignore[misc]


def _secret_keys(settings: dict[str, Any]) -> list[dict[str, str]]:
    return [value for key, value in settings.items() if key.endswith("Secret") and isinstance(value, dict)]


def _secret(client: KubeClient, name: str, settings: dict[str, Any]) -> str:
    wanted = [key["key"] for key in _secret_keys(settings) if key["name"] == name]
    try:
        data = client.secret(name)
    except NoInputError:
        raise NoInputError(
            "it does not exist", fix=f"kubectl -n {client.namespace} create secret generic {name} ..."
        ) from None
    missing = [key for key in wanted if key not in data]
    if missing:
        raise NoInputError(f"it lacks {', '.join(missing)}", fix=f"kubectl -n {client.namespace} edit secret {name}")
    return f"has {', '.join(wanted)}"


def _image(client: KubeClient, image: str, wait: float) -> str:
    """Return how many nodes hold an image; none is a failure only where no registry can hold it either.

    Nodes report a newly loaded image late, so wait up to ``wait`` seconds before such a failure.
    """
    end = time.monotonic() + wait
    holding, nodes = _nodes_with_image(client, image)
    if not holding and "/" not in image:
        if wait > 0:
            log(f"no node reports {image} yet: waiting up to {wait:.0f} s, since nodes report a loaded image late")
        while not holding and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _IMAGE_POLL_SECONDS))
            holding, nodes = _nodes_with_image(client, image)
        if not holding:
            raise NoInputError(
                f"{image} is on none of {nodes} nodes", fix=f"kind load docker-image {image} --name covertype"
            )
    return f"{image} is on {holding} of {nodes} nodes"


def _nodes_with_image(client: KubeClient, image: str) -> tuple[int, int]:
    """Return the number of nodes that report an image, and the number of all nodes."""
    nodes = client.call(client.core.list_node)["items"]
    names = [
        {name for entry in node["status"].get("images") or () for name in entry.get("names") or ()} for node in nodes
    ]
    return sum(any(_is(name, image) for name in found) for found in names), len(nodes)


def _is(name: str, image: str) -> bool:
    return name in {image, f"docker.io/{image}", f"docker.io/library/{image}", f"localhost/{image}"}
