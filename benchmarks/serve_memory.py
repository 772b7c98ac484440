"""Send ``serve`` as many rows as an hour of 3,000 rows in a second, as fast as it answers, and report its memory.

    python -m benchmarks.serve_memory runs/covertype-.../models

Of a thousand requests 960 have one row, 30 have 1,000 rows (in all formats), and 10 are refused: a value out of range,
a body that is no JSON, an unknown column, a cut stream. The output is Markdown.
"""

from __future__ import annotations

import json
import os
import re
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pyarrow.parquet as pq
import typer

from benchmarks import http_load, serve_bodies, serve_rivals
from steps import schema as schemas

if TYPE_CHECKING:
    import pyarrow as pa

    from steps.schema import Schema

_HOUR_ROWS = 3_600 * 3_000
_SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
_SINGLE, _LARGE, _BAD = 960, 30, 10
_CLIENTS, _SLICE_SECONDS = 16, 3.0
_JSON = "application/json"


def mixed_requests(schema: Schema, table: pa.Table) -> list[bytes]:
    """Return a thousand requests, of which some are large and some are refused."""
    single = serve_bodies.requests_of(serve_bodies.json_rows, schema, table, 1, _SINGLE)
    makers = list(serve_bodies.FORMATS.values())
    large = [serve_bodies.requests_of(makers[at % len(makers)], schema, table, 1_000, 1)[0] for at in range(_LARGE)]
    row = table.slice(0, 1).to_pylist()[0]
    name = next(column.name for column in schema.columns if not column.categorical)
    stream = serve_bodies.arrow(schema, table.slice(0, 50)).partition(b"\r\n\r\n")[2]
    bad = [
        http_load.post("/predict", json.dumps({**row, name: 32_000}).encode(), _JSON),
        http_load.post("/predict", b'{"no": ', _JSON),
        http_load.post("/predict", b"1,2,3\n", "text/csv"),
        http_load.post("/predict", stream[: len(stream) // 2], "application/vnd.apache.arrow.stream"),
        http_load.post(f"/v2/models/{schema.name}/infer", b'{"inputs": []}', _JSON),
        http_load.post("/predict", b"[" * 3_000, _JSON),
        http_load.post("/predict", json.dumps(row).encode(), "text/plain"),
    ]
    found = single
    for at, request in enumerate(large + [bad[at % len(bad)] for at in range(_BAD)]):
        found.insert(at * 24, request)
    return found


def memory(pid: int) -> tuple[float, float]:
    """Return resident and peak memory of a process in MiB. Source: ``man 5 proc``, ``status``."""
    text = Path(f"/proc/{pid}/status").read_text()
    found = dict(re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", text))
    return int(found["VmRSS"]) / 1024, int(found["VmHWM"]) / 1024


def scored_rows(port: int) -> int:
    """Return how many rows the server has scored, by its metrics."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        found = re.findall(r"^covertype_rows_total\{.*\} (\S+)$", answer.read().decode(), re.MULTILINE)
    return int(sum(map(float, found)))


def main(
    models: Annotated[Path, typer.Argument(help="Folder of model bundles.")],
    *,
    rows: Annotated[int, typer.Option(help="Rows to score.")] = _HOUR_ROWS,
) -> None:
    """Print the table."""
    table = pq.read_table(schemas.DATA / "covertype.parquet").slice(0, 100_000)
    schema = schemas.load(schemas.BUILTIN)
    requests = mixed_requests(schema, table.select([column.name for column in schema.columns]))
    statuses: dict[bytes, int] = {}
    with serve_rivals.serve(models, []) as (port, pid, ready):
        print(f"Ready after {ready:.2f} s.\n")
        print("| rows | requests | RSS MiB | peak MiB | seconds |\n|---|---|---|---|---|")
        begun, done, at = time.monotonic(), 0, 0
        while at < len(_SHARES):
            if done >= _SHARES[at] * rows:
                resident, peak = memory(pid)
                seconds = time.monotonic() - begun
                print(
                    f"| {done:,} | {sum(statuses.values()):,} | {resident:.1f} | {peak:.1f} | {seconds:.0f} |",
                    flush=True,
                )
                at += 1
                continue
            result = http_load.closed_loop(port, _CLIENTS, requests, _SLICE_SECONDS, pid)
            for status, count in result.statuses.items():
                statuses[status] = statuses.get(status, 0) + count
            done = scored_rows(port)
    counts = ", ".join(f"{count:,} {status.decode()}" for status, count in sorted(statuses.items()))
    print(f"\nAnswers by status: {counts}. Load average {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    typer.run(main)
