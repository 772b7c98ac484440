"""A cluster by its Kubernetes API alone: a kubeconfig, or the service account of the pod this runs in.

The official client reads the kubeconfig (certificates, tokens, exec plugins); the requests are our own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

from steps.core.errors import PipelineError, UnavailableError, UsageError
from workflows.cluster import kubeconfig
from workflows.cluster.client import LABEL
from workflows.cluster.http import Session, check_address, credential

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import requests

    from workflows.cluster.nodes import Step

_PLURALS = {"Workflow": "workflows", "WorkflowTemplate": "workflowtemplates", "CronWorkflow": "cronworkflows"}
_ARGO = "apis/argoproj.io/v1alpha1"
_LOGIN = "log in to the cluster again; `kubectl auth whoami` says who you are"
_RETRY_SECONDS = 60


class KubeClient:
    """A :class:`workflows.cluster.client.Client` by the Kubernetes API."""

    def __init__(self, namespace: str, environment: Mapping[str, str]) -> None:
        self.namespace = namespace
        self._configuration = kubeconfig.load(environment)
        self.server: str = check_address(self._configuration.host.rstrip("/"), "the server of the kubeconfig")
        self._session = Session(self.server, login=_LOGIN)
        self._session.auth = self._authenticate
        certificate, key = self._configuration.cert_file, self._configuration.key_file
        self._session.cert = (certificate, key) if certificate and key else certificate
        self._session.verify = self._configuration.verify_ssl and (self._configuration.ssl_ca_cert or True)

    def _authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put in the token of the moment: the official client renews those that run out."""
        if token := kubeconfig.token(self._configuration):
            request.headers["Authorization"] = credential(token, "the token of the kubeconfig")
            self._session.secrets.add(token)
        return request

    def call(self, method: str, path: str, **options: Any) -> requests.Response:  # noqa: ANN401 - as requests has them
        """Send a request and return its answer, a good one; an error of ours otherwise."""
        return self._session.request(method, f"{self.server}/{path}", **options)

    def _path(self, kind: str, name: str = "") -> str:
        return f"{_ARGO}/namespaces/{self.namespace}/{_PLURALS[kind]}" + (f"/{name}" if name else "")

    def create(self, workflow: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Create a workflow, or only have it checked."""
        options = {"dryRun": "All"} if dry_run else {}
        options |= {"fieldManager": "covertype", "fieldValidation": "Strict"}
        created: dict[str, Any] = self.call("POST", self._path("Workflow"), params=options, json=workflow).json()
        return created

    def get(self, name: str) -> dict[str, Any]:
        """Return a workflow."""
        found: dict[str, Any] = self.call("GET", self._path("Workflow", name)).json()
        return found

    def list(self) -> Sequence[dict[str, Any]]:
        """Return the workflows of this pipeline."""
        selector = {"labelSelector": f"{LABEL}=covertype"}
        found: Sequence[dict[str, Any]] = self.call("GET", self._path("Workflow"), params=selector).json()["items"]
        return found

    def stop(self, name: str) -> None:
        """Let a workflow start nothing more and end what runs."""
        self._patch(self._path("Workflow", name), {"spec": {"shutdown": "Stop"}}, "merge-patch+json")

    def _patch(self, path: str, body: dict[str, Any], kind: str, **options: Any) -> None:  # noqa: ANN401
        self.call("PATCH", path, json=body, headers={"Content-Type": f"application/{kind}"}, **options)

    def retry(self, name: str) -> None:
        """Have the argo command line tool run again what failed: the logic of it is not the Kubernetes API's."""
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
            raise PipelineError(f"argo retry failed: {self._session.redact(done.stderr or done.stdout).strip()}")

    def delete(self, name: str) -> None:
        """Remove a workflow."""
        self.call("DELETE", self._path("Workflow", name))

    def log(self, name: str, step: Step, *, tail: int | None = None, seconds: int | None = None) -> Sequence[str]:  # noqa: ARG002 - the pod says it
        """Return the lines of a step's log, each with its time in front."""
        options = {"container": "main", "timestamps": "true", "tailLines": tail, "sinceSeconds": seconds}
        path = f"api/v1/namespaces/{self.namespace}/pods/{step.pod}/log"
        return self.call("GET", path, params=options).content.decode(errors="replace").splitlines()

    def apply(self, document: dict[str, Any]) -> None:
        """Create a WorkflowTemplate or CronWorkflow, or put it in the place of the one of its name."""
        self._patch(
            self._path(document["kind"], document["metadata"]["name"]),
            document,
            "apply-patch+yaml",
            params={"fieldManager": "covertype", "force": "true"},
        )

    def secret(self, name: str) -> dict[str, str]:
        """Return the values of a secret, still in base64."""
        found = self.call("GET", f"api/v1/namespaces/{self.namespace}/secrets/{name}").json()
        data: dict[str, str] = found.get("data") or {}
        return data

    def download(self, workflow: dict[str, Any], step: Step, artifact: str, target: Path) -> None:
        """Bring an output artifact here, straight from the artifact repository."""
        from workflows.cluster import s3

        s3.download(workflow, step.artifacts[artifact], target, self.secret)

    def link(self, name: str) -> str:
        """Return where the Argo UI shows a workflow once its port is forwarded."""
        return (
            f"https://localhost:2746/workflows/{self.namespace}/{name} "
            "(after kubectl -n argo port-forward service/argo-server 2746)"
        )
