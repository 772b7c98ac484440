"""Make a service inside the cluster reachable from this machine: ``kubectl port-forward``, for as long as needed.

kubectl rather than the official client's :mod:`kubernetes.stream`: its handshake ignores ``_request_timeout`` and turns
Ctrl-C into an ApiException, and a listening socket, its connections and the way from a service to a ready pod would be
code of ours.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from steps.core.errors import UnavailableError
from workflows.cluster.http import denied

if TYPE_CHECKING:
    from collections.abc import Iterator

_SERVICE = re.compile(r"^(?P<name>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)(\.svc(\.[a-z0-9.-]+)?)?:(?P<port>\d+)$")
_LOCAL = re.compile(rb"Forwarding from 127\.0\.0\.1:(\d+) ->")
_START_SECONDS = 15
_POLL_SECONDS = 0.02
# Bytes of the output in which the port is.
_LONGEST = 1 << 12


@contextmanager
def local_address(endpoint: str, advice: str) -> Iterator[str]:
    """Yield an address of an endpoint for this machine: its own, or a forwarded port of a service in the cluster.

    Args:
        endpoint: host:port, such as ``artifact-store.covertype:8333``.
        advice: what to do instead where there is no kubectl.

    Raises:
        DeniedError: the account of the kubeconfig may not forward ports.
        UnavailableError: there is no kubectl, or it cannot forward the port.
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
    # Output goes to a file: kubectl prints a line for each connection, and would block on a full pipe.
    with (
        tempfile.TemporaryFile() as output,
        subprocess.Popen(
            [*command, f":{service['port']}"], stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        ) as process,
    ):
        try:
            yield f"127.0.0.1:{_local_port(process, output, endpoint, advice)}"
        finally:
            process.terminate()


def _resolves(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return False
    return True


def _local_port(process: subprocess.Popen[bytes], output: IO[bytes], endpoint: str, advice: str) -> str:
    """Return the port on this machine, as soon as kubectl has printed it."""
    end = time.monotonic() + _START_SECONDS
    while True:
        ended = process.poll() is not None
        printed = os.pread(output.fileno(), _LONGEST, 0)
        if found := _LOCAL.search(printed):
            return found[1].decode()
        if ended or b"\n" in printed or time.monotonic() > end:
            break
        time.sleep(_POLL_SECONDS)
    reason = printed.decode(errors="replace").strip().partition("\n")[0] or "no answer in time"
    if "(Forbidden)" in reason:
        raise denied(reason, endpoint)
    raise UnavailableError(f"kubectl port-forward failed: {reason}", where=endpoint, fix=advice)
