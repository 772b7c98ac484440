"""Security settings of pods: those of the *restricted* pod security standard, and a read-only root file system.

They apply to the containers of steps and to those that Argo adds.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/.
"""

from __future__ import annotations

import json

from hera.workflows.models import Capabilities, PodSecurityContext, SeccompProfile, SecurityContext

# User and group of the image.
_USER = 65532
_SECCOMP = SeccompProfile(type="RuntimeDefault")


def container_security() -> SecurityContext:
    """Return the security context of a step's container."""
    return SecurityContext(
        run_as_non_root=True,
        run_as_user=_USER,
        run_as_group=_USER,
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        capabilities=Capabilities(drop=["ALL"]),
        seccomp_profile=_SECCOMP,
    )


def pod_security() -> PodSecurityContext:
    """Return the security context of a pod. Its group gives all containers write access to the volumes."""
    return PodSecurityContext(
        run_as_non_root=True, run_as_user=_USER, run_as_group=_USER, fs_group=_USER, seccomp_profile=_SECCOMP
    )


def pod_spec_patch() -> str:
    """Return a patch of Argo's containers ``init`` and ``wait``, as JSON.

    With it they pass the *restricted* standard and report progress every ten seconds instead of every minute. Otherwise
    an administrator has to set both in the configuration (``executor.securityContext``) and the environment of the
    controller.
    """
    security = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
    }
    progress = {"name": "ARGO_PROGRESS_PATCH_TICK_DURATION", "value": "10s"}
    patch = {
        "initContainers": [{"name": "init", "securityContext": security}],
        "containers": [{"name": "wait", "securityContext": security, "env": [progress]}],
    }
    return json.dumps(patch)
