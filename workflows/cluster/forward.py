"""A way to a service inside the cluster for this machine: kubectl's port-forward, for as long as it is needed."""

from __future__ import annotations

import re
import select
import shutil
import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from steps.core.errors import UnavailableError
from workflows.cluster.http import denied

if TYPE_CHECKING:
    from collections.abc import Iterator

_SERVICE = re.compile(r"^(?P<name>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)(\.svc(\.[a-z0-9.-]+)?)?:(?P<port>\d+)$")
_LOCAL = re.compile(rb"Forwarding from 127\.0\.0\.1:(\d+)")
_START_SECONDS = 15


@contextmanager
def reachable(endpoint: str, advice: str) -> Iterator[str]:
    """Yield the address of an endpoint as seen from here: its own, or a forwarded port of a service in the cluster.

    Args:
        endpoint: host:port, such as ``artifact-store.covertype:8333``.
        advice: what to do instead where there is no kubectl.
    """
    service = _SERVICE.match(endpoint)
    if not service or _resolves(endpoint.partition(":")[0]):
        yield endpoint
        return
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise UnavailableError(
            "this address exists inside the cluster only", where=endpoint, fix=f"{advice}, or install kubectl"
        )
    command = [kubectl, "--namespace", service["namespace"], "port-forward", f"service/{service['name']}"]
    with subprocess.Popen(
        [*command, f":{service['port']}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            yield f"127.0.0.1:{_local_port(process, endpoint, advice)}"
        finally:
            process.terminate()


def _resolves(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return False
    return True


def _local_port(process: subprocess.Popen[bytes], endpoint: str, advice: str) -> str:
    output = process.stdout
    line = output.readline() if output and select.select([output], [], [], _START_SECONDS)[0] else b""
    found = _LOCAL.search(line)
    if not found:
        process.terminate()
        reason = line.decode(errors="replace").strip() or "no answer in time"
        if "(Forbidden)" in reason:
            raise denied(reason, endpoint)
        raise UnavailableError(f"kubectl port-forward failed: {reason}", where=endpoint, fix=advice)
    return found[1].decode()
