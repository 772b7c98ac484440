"""The service on the cluster: deployed, asked, scaled, killed, rolled forward and back, all of it under load."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import requests
import yaml

from steps import s3
from steps.core.errors import DeniedError
from steps.io import open_destination
from steps.registry import aliases, publishing
from tests.cluster import harness
from tests.cluster.test_permissions import has_permission
from tests.support import TARGET, real_rows, write_table
from workflows.cluster.port_forward import local_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
IMAGE = os.environ.get("COVERTYPE_SERVE_IMAGE", "covertype-serve:dev")
OVERLAY = harness.ROOT / "k8s/overlays/kind/serve"
REGISTRY = f"s3://artifacts/{harness.PREFIX}-serve/models"
NAME, LOAD = "covertype-serve", f"{harness.PREFIX}-load"
ADDRESS = f"{NAME}.{harness.NAMESPACE}:80"
SELECTOR = f"app.kubernetes.io/name={NAME}"
BROKEN = "broken"
FLAGS = ("--preset", "fast", "--seed", "3", "--rows", "2000", "--cover-types", "1,2")


@pytest.fixture(scope="module")
def versions(access: None, store: s3.Store, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:  # noqa: ARG001 - the environment
    """The names of two versions in a registry, of which the first is champion; it has a damaged one too."""
    folder = tmp_path_factory.mktemp("serve")
    first, second = (register(folder, REGISTRY, rounds) for rounds in (3, 20))
    registry = open_destination(REGISTRY)
    aliases.move_alias(registry, "champion", first)
    source = registry.below(f"versions/{second}")
    publishing.fetch(source, folder / BROKEN)
    files = {"": folder / BROKEN}
    (folder / BROKEN / "manifest.json").unlink(missing_ok=True)
    manifest = publishing.publish(files, registry.below(f"versions/{BROKEN}"), {"version": BROKEN}).manifest
    [model] = [manifest.uri(each) for each in manifest.files if each.name == "models/lodgepole-pine/model.ubj"]
    store.delete(store.get(model))
    store.upload(Path(__file__), model, if_absent=True)
    return first, second


def register(folder: Path, registry: str, rounds: int) -> str:
    """Train on this machine, register, and return the name of the version."""
    words = ("--registry", registry, "--output", str(folder), "--set", f"train.rounds={rounds}")
    return Path(json.loads(harness.pipeline("run", "--json", *FLAGS, *words))["directory"]).name


@pytest.fixture(scope="module")
def token() -> str:
    harness.command([str(harness.ROOT / "k8s/serve-token"), harness.NAMESPACE])
    return base64.b64decode(harness.get("secret", "covertype-serve-token")["data"]["token"]).decode()


@pytest.fixture(scope="module")
def service(versions: tuple[str, str], token: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:  # noqa: ARG001 - the registry
    """The service with one pod."""
    harness.load_image(IMAGE)
    folder = tmp_path_factory.mktemp("overlay")
    write_overlay(folder, REGISTRY)
    harness.kubectl("apply", "--kustomize", str(folder))
    try:
        harness.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=120s")
        yield
    finally:
        harness.kubectl("delete", "--wait=false", "--kustomize", str(folder))


def write_overlay(folder: Path, registry: str) -> None:
    """Write an overlay over the one of the project, as a user does: another registry, and one pod at first."""
    name, _, tag = IMAGE.rpartition(":")
    patch = [{"op": "replace", "path": "/spec/minReplicas", "value": 1}]
    document = {
        "resources": [os.path.relpath(OVERLAY, folder.resolve())],
        "images": [{"name": "covertype-serve", "newName": name, "newTag": tag}],
        "configMapGenerator": [
            {
                "name": NAME,
                "behavior": "replace",
                "namespace": "covertype",
                "literals": [f"COVERTYPE_REGISTRY={registry}"],
            }
        ],
        "patches": [{"target": {"kind": "HorizontalPodAutoscaler"}, "patch": yaml.safe_dump(patch)}],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(document))


@dataclass(frozen=True)
class Load:
    """The client in a pod that asks the service all the time."""

    def counts(self) -> dict[str, Any]:
        """Return what it has counted in a second that begins from now on."""
        before = self._last()["second"]
        return wait_until(
            lambda: found if (found := self._last())["second"] > before + 1 else None, "the client counts"
        )

    @staticmethod
    def _last() -> dict[str, Any]:
        lines = harness.kubectl("logs", f"pod/{LOAD}", "--tail=1").decode().splitlines()
        found: dict[str, Any] = json.loads(lines[-1]) if lines else {"second": -1}
        return found

    def require_no_failure(self) -> None:
        """Fail if a request of either thread has ever failed."""
        counts = self.counts()
        assert (counts["fresh"]["failures"], counts["retrying"]["failures"]) == ({}, {}), counts

    def wait_for(self, version: str) -> None:
        """Wait until the version alone answers."""

        def others(counts: dict[str, Any]) -> int:
            return sum(n for each in ("fresh", "retrying") for v, n in counts[each]["versions"].items() if v != version)

        def settled() -> bool:
            before = self.counts()
            after = self.counts()
            return others(before) == others(after) and after["fresh"]["versions"].get(version, 0) > 0

        wait_until(settled, f"{version} answers")


@pytest.fixture(scope="module")
def load(service: None, token: str) -> Iterator[Load]:  # noqa: ARG001 - it must be there
    """The client, which has had answers."""
    with local_address(ADDRESS, "") as found:
        example = requests.get(f"http://{found}/openapi.json", headers={"X-API-Key": token}, timeout=30).json()
    body = example["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["examples"]["one row"][
        "value"
    ]
    script = Path(__file__).with_name("load_client.py").read_text()
    restricted = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
    container = {
        "name": "client",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", script, NAME, json.dumps(body)],
        "env": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "covertype-serve-token", "key": "token"}}}],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
        "securityContext": restricted,
    }
    security = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"containers": [container], "securityContext": security, "terminationGracePeriodSeconds": 0}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": LOAD}, "spec": {**spec, "restartPolicy": "Never"}}
    harness.kubectl("create", "--filename", "-", given=json.dumps(pod))
    try:
        harness.kubectl("wait", "--for=condition=Ready", f"pod/{LOAD}", "--timeout=60s")
        client = Load()
        wait_until(lambda: client.counts()["fresh"]["versions"], "the first answer")
        yield client
    finally:
        harness.kubectl("delete", "--wait=false", f"pod/{LOAD}")


def wait_until(condition: Callable[[], T | None], what: str, timeout: float = 120) -> T:
    """Return the value of a condition as soon as it is true."""
    end = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < end, f"not in {timeout} s: {what}"
        time.sleep(0.5)
    return found


def pods() -> list[str]:
    """Return the names of the pods that are ready and not ending."""
    return [
        item["metadata"]["name"]
        for item in harness.get("pods", "--selector", SELECTOR)["items"]
        if "deletionTimestamp" not in item["metadata"]
        and any(each["type"] == "Ready" and each["status"] == "True" for each in item["status"].get("conditions", ()))
    ]


def scale(count: int) -> None:
    """Let the autoscaler have at least as many pods, and wait until they are ready."""
    harness.kubectl("patch", f"hpa/{NAME}", "--patch", json.dumps({"spec": {"minReplicas": count}}))
    wait_until(lambda: len(pods()) == count, f"{count} pods are ready")


@pytest.fixture(scope="module")
def submitter(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A kubeconfig with the account of users."""
    config = yaml.safe_load(harness.kubectl("config", "view", "--raw", "--minify", "--flatten"))
    config["users"][0]["user"] = {"token": harness.kubectl("create", "token", "covertype-submitter").decode().strip()}
    path = tmp_path_factory.mktemp("submitter") / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return str(path)


def rollout(kubeconfig: str, token: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the verb as the account of users."""
    environment = {**os.environ, "KUBECONFIG": kubeconfig, "COVERTYPE_SERVE_TOKEN": token}
    environment.pop("ARGO_SERVER", None)
    command = [sys.executable, "workflows/covertype.py", "rollout", *words, "--namespace", harness.NAMESPACE]
    return subprocess.run(
        command, cwd=harness.ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.mark.usefixtures("service")
def test_answers_are_those_of_predict(versions: tuple[str, str], token: str, tmp_path: Path) -> None:
    table = write_table(tmp_path / "table.csv", real_rows(1400).drop_columns([TARGET]))
    harness.pipeline("predict", "--input", str(table), "--output", str(tmp_path / "scores.csv"), "--registry", REGISTRY)
    headers = {"Content-Type": "text/csv", "Accept": "text/csv", "Authorization": f"Bearer {token}"}
    with local_address(ADDRESS, "") as found:
        assert requests.get(f"http://{found}/metrics", timeout=30).status_code == 401
        answer = requests.post(f"http://{found}/predict", table.read_bytes(), headers=headers, timeout=30)
    assert answer.headers["X-Model-Version"] == versions[0]
    assert answer.content == (tmp_path / "scores.csv").read_bytes()


def test_pods_come_and_go_without_a_failed_request(load: Load) -> None:
    scale(2)
    gone = pods()[0]
    harness.kubectl("delete", "--wait=false", f"pod/{gone}")
    wait_until(lambda: len(pods()) == 2 and gone not in pods(), "another pod is ready")
    load.require_no_failure()


def test_a_new_champion_and_a_rollout_without_a_failed_request(
    load: Load, versions: tuple[str, str], submitter: str, token: str
) -> None:
    first, second = versions
    aliases.move_alias(open_destination(REGISTRY), "champion", second)
    load.wait_for(second)
    done = rollout(submitter, token, first, "--registry", REGISTRY)
    assert done.returncode == 0, done.stderr
    load.wait_for(first)
    done = rollout(submitter, token, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["answers"] == second
    load.wait_for(second)
    load.require_no_failure()


@pytest.mark.parametrize("broken", [True, False])
def test_a_version_that_is_broken_or_wrong_is_rolled_back(
    load: Load,
    versions: tuple[str, str],
    submitter: str,
    token: str,
    broken: bool,  # noqa: FBT001 - a case
) -> None:
    # The models know cover types 1 and 2 alone.
    done = rollout(submitter, token, *([BROKEN] if broken else [versions[0], "--expect", "7"]))
    assert done.returncode == 1, done.stderr
    reason = "pod covertype-serve-" if broken else f"the smoke prediction is wrong: {versions[0]} predicts cover type "
    assert done.stderr.splitlines()[-1].startswith(f"error: rolled back: {reason}")
    load.wait_for(versions[1])
    load.require_no_failure()
    assert harness.get("deployment", NAME)["status"]["availableReplicas"] == 2


def test_a_pod_that_is_killed_costs_no_client_that_tries_again_a_request(load: Load) -> None:
    """Requests that the pod had accepted are lost: only the client can send them again."""
    before, gone = load.counts(), pods()[0]
    harness.kubectl("delete", "--grace-period=0", "--force", f"pod/{gone}")
    wait_until(lambda: len(pods()) == 2 and gone not in pods(), "another pod is ready")
    after = load.counts()
    assert after["retrying"]["failures"] == {}, after
    assert sum(after["retrying"]["versions"].values()) > sum(before["retrying"]["versions"].values())
    assert not [reason for reason in after["fresh"]["failures"] if reason.startswith("ValueError")], after


@pytest.mark.usefixtures("service")
def test_the_account_of_the_service_may_only_read(address: str) -> None:
    data = harness.get("secret", "covertype-serve-registry")["data"]
    values = {name: base64.b64decode(value).decode() for name, value in data.items()}
    reader = s3.connect(s3.Access(address, "us-east-1", values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"]))
    alias = reader.get(f"{REGISTRY}/aliases/champion.json")
    assert b"version" in reader.read(alias)
    with pytest.raises(DeniedError):
        reader.delete(alias)
    with pytest.raises(DeniedError):
        reader.upload(Path(__file__), f"{REGISTRY}/aliases/other.json", if_absent=True)
    for verb, resource in (("get", "secrets"), ("get", "pods"), ("create", "workflows.argoproj.io")):
        assert not has_permission(NAME, verb, resource)


def test_the_overlay_for_gke_is_valid() -> None:
    overlay = str(harness.ROOT / "k8s/overlays/gke/serve")
    harness.kubectl("apply", "--dry-run=server", "--validate=strict", "--kustomize", overlay)
