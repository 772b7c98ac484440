"""What a cluster needs for this pipeline, looked at piece by piece: each failure with the command that mends it.

With a kubeconfig all of it can be looked at; argo-server's API shows less, and the rest is then left out.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from steps.core.errors import DeniedError, NoInputError, PipelineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from workflows.cluster.kube import KubeClient
    from workflows.cluster.server import ServerClient

_ARGO = "apis/argoproj.io/v1alpha1"
_KINDS = ("workflows", "workflowtemplates", "cronworkflows", "workflowtaskresults")
_INSTALL = "kubectl apply --server-side -k k8s/overlays/kind, or another overlay"
# What the verbs ask of the Kubernetes API: verb, group, resource.
_MINE = (
    *((verb, "argoproj.io", "workflows") for verb in ("create", "get", "list", "patch", "delete")),
    *((verb, "argoproj.io", kind) for kind in ("workflowtemplates", "cronworkflows") for verb in ("create", "patch")),
    ("get", "", "pods/log"),
)
_PODS = (("create", "argoproj.io", "workflowtaskresults"), ("patch", "argoproj.io", "workflowtaskresults"))


class State(enum.StrEnum):
    """How a check ended."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, how it is, what was seen, and the command or setting that mends it."""

    check: str
    state: State
    seen: str
    fix: str = ""


def examine_kube(client: KubeClient, service_account: str, image: str) -> Iterator[Finding]:
    """Look at a cluster by its Kubernetes API; stops at the first thing without which the rest means nothing."""
    namespace = client.namespace
    server = _look(
        "API", lambda: f"Kubernetes {client.call('GET', 'version').json()['gitVersion']} at {client.server}", right=True
    )
    yield server
    if server.state is State.FAILED:
        return
    yield _look("Argo Workflows", lambda: _kinds(client))
    place = _look("namespace", lambda: _pod_security(client))
    yield place
    if place.state is State.FAILED:
        return
    yield from _rights("your rights", _MINE, lambda right: _allowed(client, right))
    yield _look("service account", lambda: _named(client, "serviceaccounts", service_account))
    account = f"system:serviceaccount:{namespace}:{service_account}"
    yield from _rights("the pods' rights", _PODS, lambda right: _allowed(client, right, user=account))
    yield from _repository(client)
    yield _look("image", lambda: _image(client, image))


def examine_server(client: ServerClient, workflow: dict[str, Any]) -> Iterator[Finding]:
    """Look at a cluster by argo-server: it answers, lets one list and create here, and finds the workflow valid."""
    server = _look(
        "argo-server", lambda: f"{client.call('api/v1/version').json()['version']} at {client.server}", right=True
    )
    yield server
    if server.state is State.FAILED:
        return
    yield _look("list workflows", lambda: f"{len(client.list())} in namespace {client.namespace}", right=True)
    yield _look("create workflows", lambda: _accepted(client, workflow), right=True)
    yield Finding(
        "all else", State.UNKNOWN, "argo-server's API does not show it", "use a kubeconfig without ARGO_SERVER"
    )


def _accepted(client: ServerClient, workflow: dict[str, Any]) -> str:
    client.create(workflow, dry_run=True)
    return "allowed, and the workflow is valid"


def _look(check: str, action: Callable[[], str], *, right: bool = False) -> Finding:
    """Return what an action sees; a missing right to look is a failure only of a check of that ``right``."""
    try:
        return Finding(check, State.OK, action())
    except PipelineError as error:
        unknown = isinstance(error, DeniedError) and not right
        return Finding(check, State.UNKNOWN if unknown else State.FAILED, error.what, error.fix or "")


def _kinds(client: KubeClient) -> str:
    try:
        found = {entry["name"] for entry in client.call("GET", _ARGO).json()["resources"]}
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
        labels = client.call("GET", f"api/v1/namespaces/{client.namespace}").json()["metadata"].get("labels", {})
    except NoInputError:
        raise NoInputError(f"no namespace {client.namespace}", fix=_INSTALL) from None
    level = labels.get("pod-security.kubernetes.io/enforce", "no level")
    return f"{client.namespace}, pod security {level}"


def _named(client: KubeClient, kind: str, name: str) -> str:
    try:
        client.call("GET", f"api/v1/namespaces/{client.namespace}/{kind}/{name}")
    except NoInputError:
        raise NoInputError(f"no {name} in namespace {client.namespace}", fix=_INSTALL) from None
    return name


def _rights(
    check: str, rights: Iterable[tuple[str, str, str]], allowed: Callable[[tuple[str, str, str]], bool]
) -> Iterator[Finding]:
    """Report the rights of one account together: all there, or those that are missing."""
    rights = list(rights)
    try:
        missing = [f"{verb} {resource}" for verb, group, resource in rights if not allowed((verb, group, resource))]
    except PipelineError as error:
        yield Finding(check, State.UNKNOWN, error.what, error.fix or "")
        return
    if missing:
        yield Finding(check, State.FAILED, f"not allowed: {', '.join(missing)}", _INSTALL)
    else:
        yield Finding(check, State.OK, f"{len(rights)} of {len(rights)} needed")


def _allowed(client: KubeClient, right: tuple[str, str, str], user: str = "") -> bool:
    """Ask the API whether this person, or an account, may do something: an access review."""
    verb, group, resource = right
    name, _, part = resource.partition("/")
    attributes = {"namespace": client.namespace, "verb": verb, "group": group, "resource": name, "subresource": part}
    kind = "SubjectAccessReview" if user else "SelfSubjectAccessReview"
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": kind,
        "spec": {"resourceAttributes": attributes, **({"user": user} if user else {})},
    }
    answer = client.call("POST", f"apis/authorization.k8s.io/v1/{kind.lower()}s", json=body).json()
    return bool(answer["status"]["allowed"])


def _repository(client: KubeClient) -> Iterator[Finding]:
    """Look at the default artifact repository of the namespace, and at the secrets it names."""
    try:
        path = f"api/v1/namespaces/{client.namespace}/configmaps/artifact-repositories"
        found = client.call("GET", path).json()
    except NoInputError:
        yield Finding("artifact repository", State.FAILED, "no ConfigMap artifact-repositories", _INSTALL)
        return
    except PipelineError as error:
        yield Finding("artifact repository", State.UNKNOWN, error.what, error.fix or "")
        return
    annotations = found["metadata"].get("annotations") or {}
    default = annotations.get("workflows.argoproj.io/default-artifact-repository", "")
    text = (found.get("data") or {}).get(default)
    if text is None:
        seen = f"no entry {default!r}" if default else "no default is named"
        yield Finding("artifact repository", State.FAILED, seen, _INSTALL)
        return
    document = yaml.safe_load(text) or {}
    kind = next((name for name in ("s3", "gcs", "azure", "oss") if name in document), "unknown")
    yield Finding("artifact repository", State.OK, f"{default}: {kind} bucket {document.get(kind, {}).get('bucket')}")
    for name in sorted({key["name"] for key in _secret_keys(document.get(kind, {}))}):
        yield _look(f"secret {name}", lambda name=name: _secret(client, name, document[kind]))  # type: ignore[misc]


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


def _image(client: KubeClient, image: str) -> str:
    """Return on how many nodes an image lies; that it lies on none is no fault where a registry has it."""
    nodes = client.call("GET", "api/v1/nodes").json()["items"]
    names = [
        [name for entry in node["status"].get("images") or () for name in entry.get("names") or ()] for node in nodes
    ]
    holding = sum(any(_is(name, image) for name in found) for found in names)
    if not holding and "/" not in image:
        raise NoInputError(
            f"{image} is on none of {len(nodes)} nodes", fix=f"kind load docker-image {image} --name covertype"
        )
    return f"{image} is on {holding} of {len(nodes)} nodes"


def _is(name: str, image: str) -> bool:
    return name in {image, f"docker.io/{image}", f"docker.io/library/{image}", f"localhost/{image}"}
