"""A cluster by argo-server: Hera's service where possible, plain requests elsewhere.

Hera's service has no timeout, so it gets our session, which has one. It parses whole workflows into models, which is
slow for watching, and it cannot read the stream of a log or the bytes of an artifact.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import requests

from steps.core import storage
from steps.core.errors import BadConfigurationError
from workflows.cluster.client import LABEL
from workflows.cluster.http import AlreadyExistsError, Session, check_address, credential, unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hera.workflows import WorkflowsService

    from workflows.cluster.artifact_store import LocalFile
    from workflows.cluster.kube import KubeClient
    from workflows.cluster.nodes import Step

_LOGIN = "set ARGO_TOKEN, for example to `Bearer` and the token of a service account"
# Fields of a workflow that the list of runs shows, and those from which its steps are counted. Older servers select
# nodes as a whole, newer ones the fields of a node.
_FIELDS = ",".join(
    f"items.{name}"
    for name in (
        *("metadata.name", "metadata.creationTimestamp"),
        *(f"status.{name}" for name in ("phase", "startedAt", "finishedAt", "message", "compressedNodes", "nodes")),
        *(f"status.nodes.{name}" for name in ("id", "name", "type", "phase")),
        *(
            f"{spec}.{name}"
            for spec in ("spec", "status.storedWorkflowTemplateSpec")
            for name in ("entrypoint", "templates.name", "templates.dag.tasks.name", "templates.dag.tasks.template")
        ),
    )
)
# Bytes of a download that are in memory at a time.
_CHUNK_BYTES = 1 << 20


class ServerClient:
    """A :class:`workflows.cluster.client.Client` by argo-server's HTTP API."""

    def __init__(self, namespace: str, environment: Mapping[str, str]) -> None:
        self.namespace = namespace
        self.server = address(environment)
        self._environment = environment
        self._session = Session(self.server, login=_LOGIN)
        self._session.verify = environment.get("ARGO_INSECURE_SKIP_VERIFY") != "true"
        if not self._session.verify:
            import urllib3

            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        token = credential(environment.get("ARGO_TOKEN", ""), "ARGO_TOKEN")
        self._token = token if " " in token or not token else f"Bearer {token}"
        self._session.secrets.add(token)

    @property
    def _service(self) -> WorkflowsService:
        from hera.workflows import WorkflowsService

        return WorkflowsService(
            host=f"{self.server}/",
            verify_ssl=bool(self._session.verify),
            token=self._token or None,
            namespace=self.namespace,
            session=self._session,
        )

    def call(self, path: str, **options: Any) -> requests.Response:  # noqa: ANN401 - as requests has them
        """Send a GET request and return its response; raise one of our errors unless its status is below 400."""
        headers = {"Authorization": self._token} if self._token else {}
        return self._session.request("GET", f"{self.server}/{path}", headers=headers, **options)

    def create(self, workflow: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Create a workflow, or only have it validated."""
        from hera.workflows.models import Workflow, WorkflowCreateRequest

        request = WorkflowCreateRequest(workflow=Workflow.model_validate(workflow), server_dry_run=dry_run)
        created = self._service.create_workflow(request)
        return {"metadata": {"name": created.metadata.name, "namespace": self.namespace}}

    def get(self, name: str) -> dict[str, Any]:
        """Return a workflow."""
        found: dict[str, Any] = self.call(f"api/v1/workflows/{self.namespace}/{quote(name)}").json()
        return found

    def list(self) -> Sequence[dict[str, Any]]:
        """Return the workflows of this pipeline, with what the list of runs shows."""
        options = {"listOptions.labelSelector": f"{LABEL}=covertype", "fields": _FIELDS}
        found: Sequence[dict[str, Any]] | None
        found = self.call(f"api/v1/workflows/{self.namespace}", params=options).json().get("items")
        return found or []

    def stop(self, name: str) -> None:
        """Start no more steps of a workflow, and end those that run."""
        from hera.workflows.models import WorkflowStopRequest

        self._service.stop_workflow(name, WorkflowStopRequest(name=name, namespace=self.namespace))

    def retry(self, name: str) -> None:
        """Run the failed steps of a workflow again."""
        from hera.workflows.models import WorkflowRetryRequest

        self._service.retry_workflow(name, WorkflowRetryRequest(name=name, namespace=self.namespace))

    def delete(self, name: str) -> None:
        """Delete a workflow and its pods."""
        self._service.delete_workflow(name)

    def log(self, name: str, step: Step, *, tail: int | None = None, seconds: int | None = None) -> Sequence[str]:
        """Return the lines of a step's log, each with its time in front."""
        options = {
            "podName": step.pod,
            "logOptions.container": "main",
            "logOptions.timestamps": "true",
            "logOptions.tailLines": tail,
            "logOptions.sinceSeconds": seconds,
        }
        answer = self.call(f"api/v1/workflows/{self.namespace}/{quote(name)}/log", params=options)
        entries = [json.loads(line) for line in answer.content.decode(errors="replace").splitlines() if line]
        return [entry["result"].get("content", "") for entry in entries if "result" in entry]

    def apply(self, document: dict[str, Any]) -> None:
        """Create a WorkflowTemplate or CronWorkflow, or replace the one of its name."""
        name = document["metadata"]["name"]
        create, update, path = self._methods(document["kind"])
        try:
            create(document)
        except AlreadyExistsError:
            existing = self.call(f"api/v1/{path}/{self.namespace}/{quote(name)}").json()
            version = {"resourceVersion": existing["metadata"]["resourceVersion"]}
            update({**document, "metadata": {**document["metadata"], **version}})

    def _methods(self, kind: str) -> tuple[Any, Any, str]:
        """Return functions that create and update a kind of object, and its path in the API."""
        from hera.workflows import models

        service = self._service
        if kind == "CronWorkflow":
            cron = models.CronWorkflow.model_validate
            return (
                lambda plain: service.create_cron_workflow(models.CreateCronWorkflowRequest(cron_workflow=cron(plain))),
                lambda plain: service.update_cron_workflow(
                    plain["metadata"]["name"], models.UpdateCronWorkflowRequest(cron_workflow=cron(plain))
                ),
                "cron-workflows",
            )
        template = models.WorkflowTemplate.model_validate
        return (
            lambda plain: service.create_workflow_template(
                models.WorkflowTemplateCreateRequest(template=template(plain))
            ),
            lambda plain: service.update_workflow_template(
                plain["metadata"]["name"], models.WorkflowTemplateUpdateRequest(template=template(plain))
            ),
            "workflow-templates",
        )

    def download(self, workflow: dict[str, Any], step: Step, artifact: str, target: Path) -> None:
        """Download an output artifact: a file, or the files that the server lists for a folder."""
        run = quote(workflow["metadata"]["name"])
        path = f"artifact-files/{self.namespace}/workflows/{run}/{step.node}/outputs/{quote(artifact)}"
        with self.call(path, stream=True) as answer:
            if not answer.url.endswith("/"):
                with storage.atomic_path(target) as temporary:
                    _save(answer, temporary)
                return
            listing = answer.text
        with storage.atomic_folder(target) as folder:
            self._download_listed(path, listing, folder)

    def _download_listed(self, path: str, listing: str, folder: Path) -> None:
        """Download the files of a page that lists a folder, and those of the folders that it lists."""
        for link in re.findall(r'href="\./([^"/]+/?)"', listing):
            name = Path(unquote(html.unescape(link))).name
            with self.call(f"{path}/{quote(name)}", stream=True) as answer:
                if link.endswith("/"):
                    (folder / name).mkdir()
                    self._download_listed(f"{path}/{quote(name)}", answer.text, folder / name)
                else:
                    _save(answer, folder / name)

    def place_of(self, file: LocalFile) -> Mapping[str, Mapping[str, str]]:
        """Return the place of a file in the artifact repository, which argo-server does not tell."""
        return self._kubernetes().place_of(file)

    def upload(self, file: LocalFile, report: Callable[[int], None]) -> None:
        """Upload a file by the Kubernetes API, because argo-server has no function for it."""
        self._kubernetes().upload(file, report)

    def _kubernetes(self) -> KubeClient:
        from workflows.cluster.kube import KubeClient

        try:
            return KubeClient(self.namespace, self._environment)
        except BadConfigurationError as error:
            fix = "set KUBECONFIG too, or upload the file yourself and use --source s3://BUCKET/OBJECT"
            what = f"argo-server accepts no files, and there is no kubeconfig ({error.what})"
            raise BadConfigurationError(what, where=self.server, fix=fix) from None

    def link(self, name: str) -> str:
        """Return the address of a workflow in the Argo UI."""
        return f"{self.server}/workflows/{self.namespace}/{name}"


def _save(answer: requests.Response, path: Path) -> None:
    """Write the body of a response to a file, in chunks."""
    with path.open("wb") as file:
        try:
            for chunk in answer.iter_content(_CHUNK_BYTES):
                file.write(chunk)
        except requests.RequestException as error:
            raise unreachable(error, answer.url) from None


def address(environment: Mapping[str, str]) -> str:
    """Return argo-server's address, from the same environment variables as the argo command line tool.

    ARGO_SERVER is host:port. A scheme in front, which the argo tool refuses, is accepted.
    """
    host = check_address(environment["ARGO_SERVER"].strip(), "ARGO_SERVER")
    scheme, separator, rest = host.rpartition("://")
    rest = rest.rstrip("/")
    if not rest:
        raise BadConfigurationError("the host is missing", where="ARGO_SERVER", fix="write host:port")
    if separator and scheme not in {"http", "https"}:
        raise BadConfigurationError(f"unknown scheme {scheme!r}", where="ARGO_SERVER", fix="write host:port")
    if not separator:
        scheme = "http" if environment.get("ARGO_SECURE") == "false" else "https"
    base = environment.get("ARGO_BASE_HREF", "").strip("/")
    return f"{scheme}://{rest}" + (f"/{base}" if base else "")
