"""The pods may do what they must, and no more."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.cluster import harness


def may(account: str, verb: str, resource: str) -> bool:
    """Whether an account of the namespace has a right: ``kubectl auth can-i``, whose exit code says the same."""
    who = f"--as=system:serviceaccount:{harness.NAMESPACE}:{account}"
    words = ["kubectl", "--namespace", harness.NAMESPACE, "auth", "can-i", verb, resource, who]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip() == "yes"


@pytest.mark.parametrize("verb", ["create", "patch"])
def test_pods_report_their_results(verb: str) -> None:
    assert may("covertype-steps", verb, "workflowtaskresults.argoproj.io")


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("get", "secrets"),
        ("get", "pods"),
        ("create", "pods"),
        ("patch", "pods"),
        ("create", "workflows.argoproj.io"),
        ("delete", "workflowtaskresults.argoproj.io"),
        ("get", "configmaps"),
    ],
)
def test_pods_have_no_other_right(verb: str, resource: str) -> None:
    assert not may("covertype-steps", verb, resource)


@pytest.mark.parametrize(("verb", "resource"), [("get", "secrets"), ("create", "pods"), ("create", "pods/exec")])
def test_people_reach_no_secret_and_no_pod(verb: str, resource: str) -> None:
    assert may("covertype-submitter", "create", "workflows.argoproj.io")
    assert not may("covertype-submitter", verb, resource)


def test_namespace_is_restricted_and_every_pod_ran_as_the_steps_account(finished: dict[str, Any]) -> None:
    labels = harness.get("namespace", harness.NAMESPACE)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert finished["spec"]["serviceAccountName"] == "covertype-steps"
    spec = {"containers": [{"name": "plain", "image": harness.IMAGE}]}
    refused = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "refused"}, "spec": spec}
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        harness.kubectl("create", "--filename", "-", given=json.dumps(refused))
