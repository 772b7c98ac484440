"""Measure throughput and latency of ``serve`` on this machine, and what the client itself costs.

    python workflows/covertype.py run --preset default --output runs
    python -m benchmarks.serve_load runs/covertype-.../models

A server with one worker is started for the models. Clients are sockets of one process, each with one request at a
time: 1, 8 and 64 of them send single rows, and batches of 1,000. The rows are those of the built-in table. Client and
server share the machine's cores, so the CPU time of the client for a request is given beside that of the server. On a
machine that does other work, only the CPU times mean something. The last column is the share of the predictor's own
speed, which scores the same rows in one thread without a server. The output is Markdown.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer

from steps import schema as schemas
from steps.datasets import canonical
from steps.prediction.models import read_ensemble
from steps.sources import layouts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CLIENTS, BATCHES = (1, 8, 64), (1, 1_000)
_DIFFERENT = 512
_TICKS = os.sysconf("SC_CLK_TCK")
_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Result:
    """What a number of clients measured."""

    requests: int
    seconds: float
    latencies: np.ndarray  # seconds
    client_cpu: float
    server_cpu: float
    errors: int

    def line(self, clients: int, rows: int, own: float) -> str:
        """Return a row of the table."""
        rate = self.requests / self.seconds
        middle, high = (1e3 * float(np.quantile(self.latencies, share)) for share in (0.5, 0.99))
        costs = " | ".join(f"{1e6 * cpu / self.requests:,.0f}" for cpu in (self.server_cpu, self.client_cpu))
        parts = f"{rows:,} | {clients} | {rate:,.0f} | {rate * rows:,.0f} | {middle:.2f} | {high:.2f} | {costs}"
        return f"| {parts} | {self.errors} | {rate * rows / own:.0%} |"


def requests_of(table: pa.Table, rows: int, path: str, count: int) -> list[bytes]:
    """Return different requests, each with some rows of a table."""
    found = []
    for at in range(count):
        start = at * rows % (table.num_rows - rows)
        part = table.slice(start, rows).to_pylist()
        body = json.dumps(part[0] if rows == 1 else part, separators=(",", ":")).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        )
        found.append(head.encode() + _END + body)
    return found


def load(port: int, clients: int, requests: Sequence[bytes], seconds: float, pid: int) -> Result:
    """Send requests over several connections for some time, one at a time over each."""
    poll = select.epoll()
    connections = {}
    for _ in range(clients):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(connection, select.EPOLLIN)
        connections[connection.fileno()] = connection
    latencies, errors, at = [], 0, 0
    sent, partial, missing = {}, {}, {}
    before, server_before = time.process_time(), cpu_seconds(pid)
    clock = time.perf_counter
    begun = clock()
    for number, connection in connections.items():
        sent[number], partial[number], missing[number] = clock(), b"", -1
        connection.sendall(requests[at % len(requests)])
        at += 1
    while connections:
        for number, _ in poll.poll():
            connection = connections[number]
            data = partial[number] + connection.recv(1 << 20) if missing[number] < 0 else connection.recv(1 << 20)
            if missing[number] < 0:
                end = data.find(_END)
                if end < 0:
                    partial[number] = data
                    continue
                partial[number] = b""
                errors += data[9:12] != b"200"
                field = data.find(b"content-length: ") + 16
                missing[number] = int(data[field : data.find(b"\r", field)]) + end + 4 - len(data)
            else:
                missing[number] -= len(data)
            if missing[number] > 0:
                continue
            now = clock()
            latencies.append(now - sent[number])
            missing[number] = -1
            if now - begun > seconds:
                poll.unregister(number)
                connections.pop(number).close()
                continue
            sent[number] = now
            connection.sendall(requests[at % len(requests)])
            at += 1
    took = clock() - begun
    client, server = time.process_time() - before, cpu_seconds(pid) - server_before
    return Result(len(latencies), took, np.array(latencies), client, server, errors)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process. Source: ``man 5 proc``, fields 14 and 15 of ``stat``."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def own_rows_per_second(models: Path, table: pa.Table, rows: int, seconds: float = 2.0) -> float:
    """Return how many rows the forest scores in one thread, from features that are there already."""
    ensemble = read_ensemble(models)
    layout = layouts.recognise_features(ensemble.schema, table.column_names, "table")
    batch = table.combine_chunks().to_batches()[0]
    arrays = canonical.canonical_columns(ensemble.schema, layout, batch, 0, "table")
    fields = pa.schema(layouts.feature_fields(ensemble.schema))
    features = ensemble.features(pa.RecordBatch.from_arrays(arrays, schema=fields))
    best, end = np.inf, time.perf_counter() + seconds
    at = 0
    while time.perf_counter() < end:
        part = [values[at : at + rows] for values in features]
        begun = time.perf_counter()
        ensemble.scores_of_features(part, 1)
        best = min(best, time.perf_counter() - begun)
        at = (at + rows) % (len(features[0]) - rows)
    return rows / best


def start(models: Path, words: Sequence[str]) -> tuple[subprocess.Popen[bytes], int, float]:
    """Start a server, and return it with its port and the seconds until it was ready."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    begun = time.monotonic()
    command = [sys.executable, "-m", "steps.serve", f"--models={models}", f"--port={port}", *words]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/ready", timeout=5):
                return server, port, time.monotonic() - begun
        except OSError:
            if server.poll() is not None:
                sys.exit(f"error: the server ended with code {server.returncode}")
            time.sleep(0.02)


def measure(models: Path, seconds: float, words: Sequence[str], path: str) -> Iterator[str]:
    """Yield the lines of the table."""
    table = pq.read_table(schemas.DATA / "covertype.parquet").slice(0, 200_000)
    table = table.drop_columns([name for name in table.column_names if name == "Cover_Type"])
    server, port, ready = start(models, words)
    busy, own = os.getloadavg()[0], cpu_seconds(server.pid)
    yield f"Ready after {ready:.2f} s, with {own:.2f} s of CPU time; load average {busy:.1f}.\n"
    names = "rows | clients | requests/s | rows/s | p50 ms | p99 ms | server us | client us | errors | of the predictor"
    yield f"| {names} |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    try:
        for rows in BATCHES:
            own = own_rows_per_second(models, table, rows)
            requests = requests_of(table, rows, path, _DIFFERENT if rows == 1 else 16)
            for clients in CLIENTS:
                load(port, clients, requests, min(1.0, seconds), server.pid)
                yield load(port, clients, requests, seconds, server.pid).line(clients, rows, own)
            yield f"| {rows:,} | | | {own:,.0f} | | | | | | 100% |"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def main(
    models: Annotated[Path, typer.Argument(help="Folder of model bundles.")],
    *,
    seconds: Annotated[float, typer.Option(help="Seconds for each line.")] = 10.0,
    words: Annotated[str, typer.Option(help="More options of the server.")] = "",
    path: Annotated[str, typer.Option(help="Where the requests go.")] = "/predict",
) -> None:
    """Print the table."""
    for line in measure(models, seconds, words.split(), path):
        print(line, flush=True)


if __name__ == "__main__":
    typer.run(main)
