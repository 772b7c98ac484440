from __future__ import annotations

import json

from workflows.argo import hardening


def test_a_container_runs_as_the_user_of_the_image_without_privileges() -> None:
    found = hardening.container_security().model_dump(exclude_none=True, by_alias=True)
    assert found == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_the_group_of_a_pod_owns_its_volumes() -> None:
    found = hardening.pod_security().model_dump(exclude_none=True, by_alias=True)
    assert (found["fsGroup"], found["runAsUser"], found["runAsNonRoot"]) == (65532, 65532, True)


def test_the_patch_hardens_the_containers_that_argo_adds() -> None:
    patch = json.loads(hardening.pod_spec_patch())
    [init], [wait] = patch["initContainers"], patch["containers"]
    assert (init["name"], wait["name"]) == ("init", "wait")
    for container in (init, wait):
        security = container["securityContext"]
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["readOnlyRootFilesystem"]
        assert security["runAsNonRoot"]
        assert not security["allowPrivilegeEscalation"]
    assert wait["env"] == [{"name": "ARGO_PROGRESS_PATCH_TICK_DURATION", "value": "10s"}]
