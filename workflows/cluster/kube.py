"""A cluster by its Kubernetes API alone, through the official client.

The configuration is a kubeconfig, or the service account of the pod that this runs in. Messages of the official client
may show tokens and keys, so none reaches the reader as it is.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3
import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException

from steps.core.errors import BadConfigurationError, PipelineError, UnavailableError, UsageError
from steps.core.redaction import redact
from workflows.cluster import http
from workflows.cluster.client import LABEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from workflows.cluster.artifact_store import LocalFile
    from workflows.cluster.nodes import Step

_PLURALS = {"Workflow": "workflows", "WorkflowTemplate": "workflowtemplates", "CronWorkflow": "cronworkflows"}
_ARGO = ("argoproj.io", "v1alpha1")
_MANAGER = "covertype"
_LOGIN = "log in to the cluster again; `kubectl auth whoami` shows the current user"
_RETRY_SECONDS = 60
# What the official client lets through where a file has other contents than it expects.
_UNEXPECTED = (yaml.YAMLError, OSError, ValueError, LookupError, TypeError, AttributeError)


class NoKubeconfigError(BadConfigurationError):
    """There is no kubeconfig, or it cannot be used."""


class KubeClient:
    """A :class:`workflows.cluster.client.Client` by the Kubernetes API.

    Attributes:
        api: the official client, for APIs whose methods are passed to :meth:`call`.
        custom: its API of Argo's objects.
    """

    def __init__(self, namespace: str, environment: Mapping[str, str]) -> None:
        self.namespace = namespace
        self._configuration = load_configuration(environment)
        self.server = http.check_address(self._configuration.host.rstrip("/"), "the server of the kubeconfig")
        # A request that fails is not repeated: whoever waits for a run asks again.
        self._configuration.retries = urllib3.Retry(total=None, connect=0, read=0, other=0, redirect=5)
        self.api = client.ApiClient(self._configuration)
        self.custom = client.CustomObjectsApi(self.api)

    @functools.cached_property
    def core(self) -> Any:  # noqa: ANN401 - the package has no types
        """The API of pods, Secrets and the like; its import takes half a second, which most commands do not need."""
        return client.CoreV1Api(self.api)

    def call(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - JSON
        """Call a method of the official client and return the JSON of the answer.

        Raises:
            PipelineError: the server did not answer, or answered with an error.
        """
        text = self._bytes(method, *arguments, **options)
        try:
            return json.loads(text)
        except ValueError:
            fix = "check the server of the kubeconfig"
            raise UnavailableError("the answer is not JSON", where=self.server, fix=fix) from None

    def _bytes(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> bytes:  # noqa: ANN401
        try:
            answer = method(*arguments, _preload_content=False, _request_timeout=http.TIMEOUT, **options)
            content: bytes = answer.data
        except ApiException as error:
            text = self._redact(error.body or str(error.reason))
            raise http.error_of_status(error.status or 0, text, self.server, _LOGIN) from None
        except urllib3.exceptions.HTTPError as error:
            raise http.unreachable(error, self.server) from None
        return content

    def _redact(self, text: str) -> str:
        return redact(text, self._configuration.api_key.values())

    def _of_argo(self, kind: str, name: str = "") -> tuple[str, ...]:
        """Return what names a kind of Argo's, or one object of it, in calls of the custom objects' API."""
        return (*_ARGO, self.namespace, _PLURALS[kind], *([name] if name else []))

    def create(self, workflow: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Create a workflow, or only have it validated."""
        options = {"field_manager": _MANAGER, "field_validation": "Strict", **({"dry_run": "All"} if dry_run else {})}
        method = self.custom.create_namespaced_custom_object
        created: dict[str, Any] = self.call(method, *self._of_argo("Workflow"), workflow, **options)
        return created

    def get(self, name: str) -> dict[str, Any]:
        """Return a workflow."""
        found: dict[str, Any] = self.call(self.custom.get_namespaced_custom_object, *self._of_argo("Workflow", name))
        return found

    def list(self) -> Sequence[dict[str, Any]]:
        """Return the workflows of this pipeline."""
        method, selector = self.custom.list_namespaced_custom_object, f"{LABEL}=covertype"
        found: Sequence[dict[str, Any]]
        found = self.call(method, *self._of_argo("Workflow"), label_selector=selector)["items"]
        return found

    def stop(self, name: str) -> None:
        """Start no more steps of a workflow, and end those that run."""
        self._patch("Workflow", name, {"spec": {"shutdown": "Stop"}}, "merge-patch+json")

    def _patch(self, kind: str, name: str, body: dict[str, Any], patch: str, **options: Any) -> None:  # noqa: ANN401
        method, content = self.custom.patch_namespaced_custom_object, f"application/{patch}"
        self._bytes(method, *self._of_argo(kind, name), body, _content_type=content, **options)

    def retry(self, name: str) -> None:
        """Run the failed steps again with the argo command line tool: the Kubernetes API has no such operation."""
        argo = shutil.which("argo")
        if argo is None:
            raise UsageError(
                "the Kubernetes API alone cannot retry a workflow", fix="set ARGO_SERVER, or install the argo tool"
            )
        command = [argo, "retry", name, "--namespace", self.namespace]
        environment = {key: value for key, value in os.environ.items() if key != "ARGO_SERVER"}
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
                timeout=_RETRY_SECONDS,
                env=environment,
            )
        except subprocess.TimeoutExpired:
            raise UnavailableError("no answer in time", where="argo retry", fix="try again") from None
        if done.returncode:
            raise PipelineError(f"argo retry failed: {self._redact(done.stderr or done.stdout).strip()}")

    def delete(self, name: str) -> None:
        """Delete a workflow."""
        self._bytes(self.custom.delete_namespaced_custom_object, *self._of_argo("Workflow", name))

    def log(self, name: str, step: Step, *, tail: int | None = None, seconds: int | None = None) -> Sequence[str]:  # noqa: ARG002 - the pod's name is enough
        """Return the lines of a step's log, each with its time in front."""
        limits = {"tail_lines": tail, "since_seconds": seconds}
        options = {name: limit for name, limit in limits.items() if limit is not None}
        method = self.core.read_namespaced_pod_log
        content = self._bytes(method, step.pod, self.namespace, container="main", timestamps=True, **options)
        return content.decode(errors="replace").splitlines()

    def apply(self, document: dict[str, Any]) -> None:
        """Create a WorkflowTemplate or CronWorkflow, or replace the one of its name."""
        kind, name = document["kind"], document["metadata"]["name"]
        self._patch(kind, name, document, "apply-patch+yaml", field_manager=_MANAGER, force=True)

    def config_map(self, name: str) -> dict[str, Any]:
        """Return a ConfigMap."""
        found: dict[str, Any] = self.call(self.core.read_namespaced_config_map, name, self.namespace)
        return found

    def secret(self, name: str) -> dict[str, str]:
        """Return the values of a Secret, in base64."""
        data: dict[str, str] | None = self.call(self.core.read_namespaced_secret, name, self.namespace).get("data")
        return data or {}

    def download(self, workflow: dict[str, Any], step: Step, artifact: str, target: Path) -> None:
        """Download an output artifact, straight from the artifact repository."""
        from workflows.cluster import artifact_store

        artifact_store.download(workflow, step.artifacts[artifact], target, self.secret)

    def place_of(self, file: LocalFile) -> Mapping[str, Mapping[str, str]]:
        """Return the place of a file in the artifact repository."""
        from workflows.cluster import artifact_store

        return {artifact_store.writable_repository(self)[0]: {"key": file.key}}

    def upload(self, file: LocalFile, report: Callable[[int], None]) -> None:
        """Upload a file to the artifact repository, unless it is there already."""
        from workflows.cluster import artifact_store

        artifact_store.upload(self, file, report)

    def link(self, name: str) -> str:
        """Return the address of a workflow in the Argo UI, and how to forward its port."""
        return (
            f"https://localhost:2746/workflows/{self.namespace}/{name} "
            "(after kubectl -n argo port-forward service/argo-server 2746)"
        )


class _Configuration(client.Configuration):  # type: ignore[misc] # the package has no types
    """The official client's configuration, with a token that a header can carry and errors without values."""

    def get_api_key_with_prefix(self, identifier: str, alias: str | None = None) -> str | None:
        """Return the token for the next request, which the official client renews where it has expired."""
        with _explained("the login of the kubeconfig"):
            found = super().get_api_key_with_prefix(identifier, alias)
        return http.credential(found, "the token of the kubeconfig") if found else None


def load_configuration(environment: Mapping[str, str]) -> Any:  # noqa: ANN401 - the package has no types
    """Return the configuration of the official client.

    Raises:
        NoKubeconfigError: there is none, or it cannot be read.
    """
    configuration = _Configuration()
    paths = environment.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    missing = not any(Path(path).exists() for path in paths.split(os.pathsep))
    in_cluster = "KUBERNETES_SERVICE_HOST" in os.environ
    if missing and not in_cluster:
        raise _cannot_connect("no such kubeconfig file", f"KUBECONFIG {paths}")
    with _explained(f"KUBECONFIG {paths}"):
        if missing:
            config.load_incluster_config(client_configuration=configuration)
        else:
            config.load_kube_config(config_file=paths, client_configuration=configuration)
    return configuration


@contextmanager
def _explained(where: str) -> Iterator[None]:
    """Turn what the official client raises or logs in the block into an error of ours, without the file's values."""
    messages = _Messages()
    logging.getLogger().addHandler(messages)
    try:
        yield
    except ConfigException as error:
        raise _cannot_connect(_without_values(str(error)), where) from None
    except _UNEXPECTED as error:
        raise _cannot_connect(f"it cannot be read ({type(error).__name__})", where) from None
    finally:
        logging.getLogger().removeHandler(messages)
    if messages.errors:
        raise _cannot_connect(messages.errors[0], where)


class _Messages(logging.Handler):
    """Keeps the errors that the official client logs where a login plugin fails, instead of having them printed."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.errors.append(_without_values(record.getMessage()))


def _without_values(message: str) -> str:
    """Return a message up to the entry of the kubeconfig that it quotes, which may hold a token or a key."""
    return " ".join(message.partition("{")[0].split())


def _cannot_connect(what: str, where: str) -> NoKubeconfigError:
    return NoKubeconfigError(f"cannot connect to a cluster: {what}", where=where, fix="set KUBECONFIG, or ARGO_SERVER")
