"""Measure throughput and latency of ``serve`` on this machine, and what the client itself costs.

    python workflows/covertype.py run --preset default --output runs
    python -m benchmarks.serve_load runs/covertype-.../models
    python -m benchmarks.serve_load runs/covertype-.../models --mlflow     # needs `make mlflow`

Single rows are sent by 1, 8 and 64 clients in a closed loop, and over 64 connections in an open loop at ``--rate``
requests in a second, whose latencies count from the time at which a request was due. Batches of 1,000 rows are sent by
one client in each format. The rows are those of the built-in table. Each line is measured ``--turns`` times, in turns
with the others, and its figures are medians of the turns; the lowest p99 is that of the quietest turn.

Client and server share the machine's cores, so the CPU time of the client for a request is given beside that of the
server. The last two columns compare with the predictor, which scores the same rows in one thread without a server:
CPU time of the predictor by CPU time of the server, and rows per second. On a machine that does other work, only the
CPU times mean something. The output is Markdown.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pyarrow.parquet as pq
import typer

from benchmarks import http_load, serve_bodies, serve_rivals
from steps import schema as schemas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from steps.schema import Schema

CLIENTS, BATCH = (1, 8, 64), 1_000
_DIFFERENT, _DIFFERENT_BATCHES = 512, 16
_TABLE_ROWS = 200_000
_NAMES = (
    "server | request | rows | clients | requests/s | rows/s | p50 ms | p99 ms | lowest p99 | p99.9 ms | late p99 ms "
    "| server us | client us | errors | of the predictor, CPU | rows/s"
)


@dataclass
class Case:
    """A line of the table.

    Attributes:
        server: The name of the server.
        port: Its port.
        pid: Its process.
        name: The format.
        rows: The rows of a request.
        clients: The number of connections.
        requests: The requests.
        rate: Requests in a second of an open loop; 0 for a closed loop.
        results: A result for each turn.
    """

    server: str
    port: int
    pid: int
    name: str
    rows: int
    clients: int
    requests: list[bytes]
    rate: float = 0.0
    results: list[http_load.Result] = field(default_factory=list)

    def measure(self, seconds: float) -> None:
        """Add a result."""
        if self.rate:
            arguments = (self.port, self.clients, self.requests, self.rate, seconds, self.pid)
            self.results.append(http_load.open_loop(*arguments))
        else:
            self.results.append(http_load.closed_loop(self.port, self.clients, self.requests, seconds, self.pid))

    def line(self, own: tuple[float, float]) -> str:
        """Return the line; ``own`` is the predictor's wall and CPU time for as many rows."""
        rate = float(np.median([each.rate for each in self.results]))
        quantiles = {share: [each.milliseconds(share) for each in self.results] for share in (0.5, 0.99, 0.999)}
        middle, high, highest = (float(np.median(values)) for values in quantiles.values())
        late = [1e3 * np.quantile(each.late, 0.99) for each in self.results if len(each.late)]
        count = [len(each.latencies) / 1e6 for each in self.results]
        server = float(np.median([each.server_cpu for each in self.results] / np.array(count)))
        client = float(np.median([each.client_cpu for each in self.results] / np.array(count)))
        errors = sum(each.errors for each in self.results)
        clients = f"{self.clients}, open" if self.rate else str(self.clients)
        parts = [self.server, self.name, f"{self.rows:,}", clients, f"{rate:,.0f}", f"{rate * self.rows:,.0f}"]
        parts += [f"{middle:.2f}", f"{high:.2f}", f"{min(quantiles[0.99]):.2f}", f"{highest:.2f}"]
        parts += [f"{np.median(late):.2f}" if late else "", f"{server:,.0f}", f"{client:,.0f}", str(errors)]
        shares = f"{1e6 * own[1] / server:.0%} | {rate * own[0]:.0%}"
        return f"| {' | '.join(parts)} | {shares} |"


@dataclass
class Alone:
    """What scores the same rows without a server, and how long it takes.

    Attributes:
        name: Its name.
        call: Returns wall and CPU seconds for a number of rows, measured for some seconds.
        times: The results for each number of rows.
    """

    name: str
    call: Callable[[int, float], tuple[float, float]]
    times: dict[int, list[tuple[float, float]]] = field(default_factory=lambda: {1: [], BATCH: []})

    def measure(self, seconds: float) -> None:
        """Add a result for each number of rows."""
        for rows, times in self.times.items():
            times.append(self.call(rows, seconds))

    def middle(self, rows: int) -> tuple[float, float]:
        """Return the medians of wall and CPU seconds."""
        wall, cpu = np.median(np.array(self.times[rows]), axis=0).tolist()
        return wall, cpu


def _serve_cases(schema: Schema, table: pa.Table, port: int, pid: int, rate: float) -> list[Case]:
    single = serve_bodies.requests_of(serve_bodies.json_rows, schema, table, 1, _DIFFERENT)
    cases = [Case("serve", port, pid, "JSON", 1, clients, single) for clients in CLIENTS]
    cases.append(Case("serve", port, pid, "JSON", 1, CLIENTS[-1], single, rate))
    for name, make in serve_bodies.FORMATS.items():
        requests = serve_bodies.requests_of(make, schema, table, BATCH, _DIFFERENT_BATCHES)
        cases.append(Case("serve", port, pid, name, BATCH, 1, requests))
    return cases


def _mlflow_cases(schema: Schema, table: pa.Table, port: int, pid: int) -> list[Case]:
    return [
        Case("mlflow", port, pid, "JSON", rows, clients, requests)
        for rows, clients in ((1, 1), (1, CLIENTS[-1]), (BATCH, 1))
        for requests in [serve_bodies.requests_of(serve_bodies.mlflow, schema, table, rows, _DIFFERENT_BATCHES)]
    ]


def measure(  # noqa: PLR0913 - the options
    models: Path, seconds: float, turns: int, words: list[str], rate: float, *, mlflow: bool
) -> Iterator[str]:
    """Yield the lines of the table."""
    table = pq.read_table(schemas.DATA / "covertype.parquet").slice(0, _TABLE_ROWS)
    table = table.drop_columns([name for name in table.column_names if name == "Cover_Type"])
    predictor = serve_rivals.Predictor(models, table)
    schema = predictor.ensemble.schema
    alone = [Alone("the predictor alone", predictor.seconds)]
    with ExitStack() as stack:
        port, pid, ready = stack.enter_context(serve_rivals.serve(models, words))
        cpu = sum(map(http_load.cpu_seconds, http_load.process_tree(pid)))
        yield f"serve: ready after {ready:.2f} s, with {cpu:.2f} s of CPU time; load average {os.getloadavg()[0]:.1f}."
        cases = _serve_cases(schema, table, port, pid, rate)
        if mlflow:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="covertype-serve-load-")))
            port, pid, ready = stack.enter_context(serve_rivals.serve_mlflow(models, predictor.ensemble, folder))
            yield f"mlflow models serve: ready after {ready:.2f} s."
            cases += _mlflow_cases(schema, table, port, pid)
            alone.append(Alone("XGBoost's boosters alone, a DMatrix for each request", predictor.booster_seconds))
        for case in cases:  # to warm up
            case.measure(min(1.0, seconds))
            case.results.clear()
        for _ in range(turns):
            for each in alone:
                each.measure(min(1.0, seconds))
            for case in cases:
                case.measure(seconds)
        yield f"Load average {os.getloadavg()[0]:.1f} at the end; {turns} turns of {seconds:g} s.\n"
    yield f"| {_NAMES} |"
    yield "|" + "---|" * (_NAMES.count("|") + 1)
    yield from (case.line(alone[0].middle(case.rows)) for case in cases)
    for each in alone:
        for rows in each.times:
            wall, cpu = each.middle(rows)
            yield f"\n{each.name}, {rows:,} rows: {1e6 * wall:,.0f} us, {1e6 * cpu:,.0f} us of CPU time."


def main(  # noqa: PLR0913 - the options
    models: Annotated[Path, typer.Argument(help="Folder of model bundles.")],
    *,
    seconds: Annotated[float, typer.Option(help="Seconds for each line and turn.")] = 3.0,
    turns: Annotated[int, typer.Option(help="How often each line is measured.")] = 3,
    words: Annotated[str, typer.Option(help="More options of the server.")] = "",
    rate: Annotated[float, typer.Option(help="Requests in a second of the open loop.")] = 3_000.0,
    mlflow: Annotated[bool, typer.Option(help="Measure `mlflow models serve` and XGBoost's boosters as well.")] = False,
) -> None:
    """Print the table."""
    for line in measure(models, seconds, turns, words.split(), rate, mlflow=mlflow):
        print(line, flush=True)


if __name__ == "__main__":
    typer.run(main)
