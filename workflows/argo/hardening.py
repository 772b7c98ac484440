"""What the *restricted* pod security standard asks, and a read-only root besides: of a step's container and of Argo's.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/.
"""

from __future__ import annotations

import json

from hera.workflows.models import Capabilities, PodSecurityContext, SeccompProfile, SecurityContext

# The user and group of the image's own user.
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
    """Return what the containers of a pod have in common; the group lets them all write its volumes."""
    return PodSecurityContext(
        run_as_non_root=True, run_as_user=_USER, run_as_group=_USER, fs_group=_USER, seccomp_profile=_SECCOMP
    )


def pod_spec_patch() -> str:
    """Return what makes Argo's own containers, ``init`` and ``wait``, pass *restricted* too, and tell progress soon.

    Elsewhere an administrator has to set this in the controller's configuration (``executor.securityContext``) and
    environment; progress would be told each minute.
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
