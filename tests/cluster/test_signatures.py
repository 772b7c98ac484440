"""Signatures on the cluster: pods score and serve with versions that the key has signed, and with no other."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import requests
import yaml

from steps.io import open_destination
from steps.registry import aliases
from tests.cluster import harness
from tests.cluster.test_serve import (
    ADDRESS,
    IMAGE,
    NAME,
    SELECTOR,
    pods,
    register,
    token,
    wait_until,
    write_overlay,
)
from tests.registered_run import write_keys
from tests.support import real_rows, write_table
from workflows.cluster.port_forward import local_address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from steps import s3

__all__ = ["token"]  # a fixture
FOLDER = f"s3://artifacts/{harness.PREFIX}-signed"
REGISTRY = f"{FOLDER}/models"
NO_SUCH_INPUT, BAD_DATA = "66", "65"


@dataclass(frozen=True)
class Signed:
    """A registry with a signed version and one without a signature, and the folder of the keys."""

    signed: str
    unsigned: str
    keys: Path

    def sign(self, version: str) -> None:
        harness.pipeline("sign", version, "--registry", REGISTRY, "--key", str(self.keys / "own.pem"))


@pytest.fixture(scope="module")
def made(access: None, tmp_path_factory: pytest.TempPathFactory) -> Signed:  # noqa: ARG001 - the environment
    folder = tmp_path_factory.mktemp("signed")
    for name in ("own", "other"):
        write_keys(folder, name)
    found = Signed(register(folder, REGISTRY, 3), register(folder, REGISTRY, 20), folder)
    found.sign(found.signed)
    return found


def failed_pod(workflow: dict[str, Any]) -> str:
    """Return the exit code of the only pod of a failed run, which has had one attempt."""
    assert workflow["status"]["phase"] == "Failed", harness.phases(workflow)
    [pod] = [node for node in harness.nodes(workflow) if node["type"] == "Pod"]
    return str(pod["outputs"]["exitCode"])


def test_a_pod_scores_with_the_version_that_the_key_signed(made: Signed, secret: str, tmp_path: Path) -> None:
    table = write_table(tmp_path / "table.csv", real_rows(700))
    where = ("--input", str(table), "--registry", REGISTRY)
    words = (*where, "--output", "scores.csv", "--s3-secret", secret, "--require-signature")
    for version, key, code, reason in (
        (made.unsigned, "own.pub", NO_SUCH_INPUT, f"version {made.unsigned} is not signed"),
        (made.signed, "other.pub", BAD_DATA, "it is signed with another key"),
    ):
        workflow = harness.run("submit-predict", *words, str(made.keys / key), "--version", version)
        assert failed_pod(workflow) == code
        assert reason in harness.pipeline("logs", workflow["metadata"]["name"], "--namespace", harness.NAMESPACE)
    workflow = harness.run("submit-predict", *words, str(made.keys / "own.pub"), "--version", made.signed)
    assert workflow["status"]["phase"] == "Succeeded", harness.phases(workflow)
    name = workflow["metadata"]["name"]
    harness.pipeline("fetch", name, "--namespace", harness.NAMESPACE, "--output", str(tmp_path))
    harness.pipeline("predict", *where, "--model", made.signed, "--output", str(tmp_path / "here.csv"))
    assert (tmp_path / name / "scores.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


def test_whoever_starts_a_run_from_the_template_cannot_leave_the_signature_out(
    made: Signed, secret: str, store: s3.Store, tmp_path: Path
) -> None:
    table, template = f"{FOLDER}/new/table.csv", harness.new_name()
    store.upload(write_table(tmp_path / "table.csv", real_rows(70)), table, if_absent=True)
    where = ("--name", template, "--namespace", harness.NAMESPACE, "--image", harness.IMAGE, "--config", harness.SMALL)
    words = ("--registry", REGISTRY, "--version", made.signed, "--s3-secret", secret)
    key = ("--require-signature", str(made.keys / "own.pub"))
    harness.pipeline("deploy-predict", "--input", table, "--output", "scores.csv", *where, *words, *key)
    try:
        for version, phase in ((made.signed, "Succeeded"), (made.unsigned, "Failed")):
            name = harness.new_name()
            parameters = [{"name": "version", "value": version}, {"name": "require-signature", "value": ""}]
            spec = {"workflowTemplateRef": {"name": template}, "arguments": {"parameters": parameters}}
            run = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": name}, "spec": spec}
            harness.kubectl("create", "--filename", "-", given=json.dumps(run))
            workflow = harness.wait(name)
            assert workflow["status"]["phase"] == phase, harness.phases(workflow)
        assert failed_pod(workflow) == NO_SUCH_INPUT
    finally:
        harness.kubectl("delete", f"workflowtemplate/{template}")


@pytest.fixture
def champion(made: Signed) -> str:
    """A further version without signature, which is champion."""
    version = register(made.keys, REGISTRY, 5)
    aliases.move_alias(open_destination(REGISTRY), "champion", version)
    return version


@pytest.fixture
def service(made: Signed, champion: str, token: str, tmp_path: Path) -> Iterator[None]:  # noqa: ARG001 - the registry
    """The service with one pod and the component, as `docs/how-to/serve-on-a-cluster.md` has it."""
    harness.load_image(IMAGE)
    harness.kubectl("delete", f"deployment/{NAME}", "--ignore-not-found", "--cascade=foreground")
    base, overlay = tmp_path / "base", tmp_path / "overlay"
    for folder in (base, overlay):
        folder.mkdir()
    write_overlay(base, REGISTRY)
    (overlay / "key.pub").write_bytes((made.keys / "own.pub").read_bytes())
    document = {
        "resources": ["../base"],
        "components": [os.path.relpath(harness.ROOT / "k8s/serve/require-signature", overlay.resolve())],
        "configMapGenerator": [
            {"name": "covertype-serve-signer", "namespace": harness.NAMESPACE, "files": ["key.pub"]}
        ],
    }
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(document))
    harness.kubectl("apply", "--kustomize", str(overlay))
    yield
    harness.kubectl("delete", "--wait=false", "--kustomize", str(overlay))


def exit_codes() -> set[int]:
    """Return the exit codes with which containers of the service have ended."""
    found = harness.get("pods", "--selector", SELECTOR)["items"]
    states = [
        each[state]
        for pod in found
        for each in pod["status"].get("containerStatuses", ())
        for state in ("state", "lastState")
    ]
    return {state["terminated"]["exitCode"] for state in states if "terminated" in state}


@pytest.mark.usefixtures("service")
def test_the_service_answers_with_signed_versions_alone(made: Signed, champion: str) -> None:
    wait_until(lambda: int(NO_SUCH_INPUT) in exit_codes(), "a pod refuses the champion that is not signed")
    assert not pods()
    made.sign(champion)
    wait_until(pods, "the pod starts with the champion that is signed now", timeout=300)
    with local_address(ADDRESS, "") as found:

        def health() -> dict[str, Any]:
            answer: dict[str, Any] = requests.get(f"http://{found}/v2/health/ready", timeout=30).json()
            return answer

        assert (health()["version"], health()["refused"]) == (champion, None)
        aliases.move_alias(open_destination(REGISTRY), "champion", made.unsigned)
        refused = wait_until(lambda: health()["refused"], "the next champion is refused")
        assert refused["version"] == made.unsigned
        assert "is not signed" in refused["reason"]
        assert health()["version"] == champion
        made.sign(made.unsigned)
        wait_until(lambda: health()["version"] == made.unsigned, "it answers when it is signed", timeout=300)
