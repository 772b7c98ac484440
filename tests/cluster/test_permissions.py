"""The accounts have the permissions that they need, and no others."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.cluster import harness


def has_permission(account: str, verb: str, resource: str) -> bool:
    """Return whether an account of the namespace has a permission, by ``kubectl auth can-i``."""
    who = f"--as=system:serviceaccount:{harness.NAMESPACE}:{account}"
    words = ["kubectl", "--namespace", harness.NAMESPACE, "auth", "can-i", verb, resource, who]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip() == "yes"


@pytest.mark.parametrize("verb", ["create", "patch"])
def test_pods_report_their_results(verb: str) -> None:
    assert has_permission("covertype-steps", verb, "workflowtaskresults.argoproj.io")


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
def test_pods_have_no_other_permission(verb: str, resource: str) -> None:
    assert not has_permission("covertype-steps", verb, resource)


@pytest.mark.parametrize(("verb", "resource"), [("get", "secrets"), ("create", "pods"), ("create", "pods/exec")])
def test_the_submitter_account_cannot_access_secrets_and_pods(verb: str, resource: str) -> None:
    assert has_permission("covertype-submitter", "create", "workflows.argoproj.io")
    assert not has_permission("covertype-submitter", verb, resource)


def test_namespace_is_restricted_and_every_pod_ran_as_the_steps_account(finished: dict[str, Any]) -> None:
    labels = harness.get("namespace", harness.NAMESPACE)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert finished["spec"]["serviceAccountName"] == "covertype-steps"
    spec = {"containers": [{"name": "plain", "image": harness.IMAGE}]}
    refused = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "refused"}, "spec": spec}
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        harness.kubectl("create", "--filename", "-", given=json.dumps(refused))
