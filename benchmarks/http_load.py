"""Send HTTP requests over many connections from one process that costs little, and measure when the answers come.

In a closed loop each connection sends its next request when it has an answer: this finds the highest throughput. In an
open loop requests are due at times that do not depend on the answers, as those of independent users are. A latency then
counts from the time at which the request was due, so that a pause of the server delays all requests of that time in
the figures as well ("coordinated omission", Gil Tene, https://github.com/giltene/wrk2).
"""

from __future__ import annotations

import gc
import os
import select
import socket
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

_TICKS = os.sysconf("SC_CLK_TCK")
_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


@dataclass(frozen=True)
class Result:
    """What a number of connections measured.

    Attributes:
        seconds: How long it took.
        latencies: The time to each answer in seconds (float64, shape (requests,)).
        statuses: The number of answers by status.
        client_cpu: CPU seconds of this process.
        server_cpu: CPU seconds of the server and its workers.
        late: How long after its time each request of an open loop was sent, in seconds; empty for a closed loop.
    """

    seconds: float
    latencies: NDArray[np.float64]
    statuses: dict[bytes, int]
    client_cpu: float
    server_cpu: float
    late: NDArray[np.float64]

    @property
    def rate(self) -> float:
        """Answers in a second."""
        return len(self.latencies) / self.seconds

    @property
    def errors(self) -> int:
        """Answers with another status than 200."""
        return len(self.latencies) - self.statuses.get(b"200", 0)

    def milliseconds(self, share: float) -> float:
        """Return a quantile of the latencies."""
        return 1e3 * float(np.quantile(self.latencies, share))


def post(path: str, body: bytes, kind: str, headers: Sequence[str] = ()) -> bytes:
    """Return a request with a body of a content type."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers]).encode() + _END + body


class _Connection:
    """A connection with one request at a time."""

    __slots__ = ("_missing", "_partial", "sent", "socket", "status")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._partial, self._missing, self.sent, self.status = b"", -1, 0.0, b""

    def receive(self) -> bool:
        """Read what is there, and return whether the answer is complete."""
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError("the server closed the connection")
        if self._missing >= 0:
            self._missing -= len(data)
        else:
            data = self._partial + data
            end = data.find(_END)
            if end < 0:
                self._partial = data
                return False
            self._partial, self.status = b"", data[9:12]
            field = data[:end].lower().find(_LENGTH) + len(_LENGTH)
            self._missing = int(data[field : data.find(b"\r", field)]) + end + len(_END) - len(data)
        if self._missing > 0:
            return False
        self._missing = -1
        return True


@contextmanager
def _connections(port: int, count: int) -> Iterator[tuple[select.epoll, dict[int, _Connection]]]:
    """Open connections. Meanwhile this process does not collect garbage, which would delay requests."""
    made = [_Connection(port) for _ in range(count)]
    poll = select.epoll()
    for connection in made:
        poll.register(connection.socket, select.EPOLLIN)
    gc.collect()
    gc.disable()
    try:
        yield poll, {connection.socket.fileno(): connection for connection in made}
    finally:
        gc.enable()
        poll.close()
        for connection in made:
            connection.socket.close()


def closed_loop(port: int, clients: int, requests: Sequence[bytes], seconds: float, pid: int) -> Result:
    """Send requests for some time, one at a time over each connection.

    Args:
        port: The port of the server on this machine.
        clients: The number of connections.
        requests: The requests, which are sent in turn.
        seconds: How long.
        pid: The server, whose CPU time is measured.
    """
    latencies, clock, statuses = [], time.perf_counter, dict[bytes, int]()
    with _connections(port, clients) as (poll, connections):
        stop = _stopwatch(pid)
        begun, at = clock(), 0
        for connection in connections.values():
            connection.sent = clock()
            connection.socket.sendall(requests[at % len(requests)])
            at += 1
        running = clients
        while running:
            for number, _ in poll.poll():
                connection = connections[number]
                if not connection.receive():
                    continue
                now = clock()
                latencies.append(now - connection.sent)
                statuses[connection.status] = statuses.get(connection.status, 0) + 1
                if now - begun > seconds:
                    running -= 1
                    continue
                connection.sent = now
                connection.socket.sendall(requests[at % len(requests)])
                at += 1
        client, server, took = stop()
    return Result(took, np.array(latencies), statuses, client, server, np.empty(0))


def open_loop(  # noqa: PLR0913, PLR0917 - a rate and what closed_loop takes
    port: int, connections: int, requests: Sequence[bytes], rate: float, seconds: float, pid: int
) -> Result:
    """Send requests at random times (a Poisson process) of a given rate, each over a connection that is free.

    Args:
        port: The port of the server on this machine.
        connections: The number of connections. A request waits if none is free, and that counts.
        requests: The requests, which are sent in turn.
        rate: Requests in a second.
        seconds: How long.
        pid: The server, whose CPU time is measured.
    """
    count, clock, statuses = int(rate * seconds), time.perf_counter, dict[bytes, int]()
    gaps = np.random.default_rng(0).exponential(1 / rate, count)
    latencies, late = np.empty(count), np.empty(count)
    with _connections(port, connections) as (poll, made):
        stop = _stopwatch(pid)
        due = (clock() + 0.01 + np.cumsum(gaps)).tolist()
        free, sent, done = list(made.values()), 0, 0
        while done < count:
            now = clock()
            while free and sent < count and due[sent] <= now:
                connection = free.pop()
                connection.sent, late[sent] = due[sent], now - due[sent]
                connection.socket.sendall(requests[sent % len(requests)])
                sent += 1
            # epoll_wait counts milliseconds, select microseconds
            pause = due[sent] - clock() if free and sent < count else None
            if pause is None or pause > 0:
                select.select([poll], [], [], pause)
            for number, _ in poll.poll(0):
                connection = made[number]
                if connection.receive():
                    latencies[done] = clock() - connection.sent
                    statuses[connection.status] = statuses.get(connection.status, 0) + 1
                    done += 1
                    free.append(connection)
        client, server, took = stop()
    return Result(took, latencies, statuses, client, server, late)


def _stopwatch(pid: int) -> Callable[[], tuple[float, float, float]]:
    """Start, and return the function that returns CPU seconds of this process, of the server, and wall seconds."""
    pids = process_tree(pid)
    begun, client, server = time.perf_counter(), time.process_time(), sum(map(cpu_seconds, pids))
    return lambda: (
        time.process_time() - client,
        sum(map(cpu_seconds, pids)) - server,
        time.perf_counter() - begun,
    )


def process_tree(pid: int) -> list[int]:
    """Return a process and all that it has started. Source: ``man 5 proc``, ``task/TID/children``."""
    found = [pid]
    for each in found:
        for task in Path(f"/proc/{each}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process. Source: ``man 5 proc``, fields 14 and 15 of ``stat``."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
