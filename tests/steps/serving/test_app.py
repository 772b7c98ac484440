"""Hostile requests, and requests that schemathesis draws from the OpenAPI document."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from steps.serving.app import example_row
from tests.steps.serving.conftest import running

if TYPE_CHECKING:
    from pathlib import Path

    from steps.serving.versions import ServedModel
    from tests.steps.serving.conftest import Running

INFER = "/v2/models/covertype/infer"
DEEP = 100_000


def bodies(row: dict[str, Any]) -> dict[str, bytes]:
    """Return bodies that are no rows."""
    text = json.dumps(row)
    return {
        "nothing": b"",
        "half": text[: len(text) // 2].encode(),
        "deep arrays": b"[" * DEEP + b"]" * DEEP,
        "deep objects": b'{"Elevation":' * DEEP + b"1" + b"}" * DEEP,
        "deep value": text.replace("2596", "[" * DEEP + "]" * DEEP).encode(),
        "NaN": text.replace("2596", "NaN").encode(),
        "Infinity": text.replace("2596", "-Infinity").encode(),
        "1e400": text.replace("2596", "1e400").encode(),
        "NaN and 1e400": text.replace("2596", "NaN").replace("51", "1e400").encode(),
        "huge": text.replace("2596", "9" * 5_000).encode(),
        "large": text.replace("2596", "9" * 30).encode(),
        "huge text": text.replace("2596", f'"{"9" * 100_000}"').encode(),
        "text": text.replace("2596", '"2596"').encode(),
        "exponent": text.replace("2596", '"1e999999999"').encode(),
        "not UTF-8": text.replace("Rawah", "\xff\xfe").encode("latin-1"),
        "surrogate": text.replace("Rawah", "\\ud800").encode(),
        "surrogate name": text.replace("Slope", "\\ud800").encode(),
        "NUL": text.replace("Rawah", "\\u0000").encode(),
        "columns": json.dumps({f"c{i}": 1 for i in range(10_000)} | row).encode(),
        "no rows": b"[]",
        "empty rows": b"[{}]",
        "number": b"7",
        "null": b"null",
        "array of arrays": b"[[1,2],[3]]",
        "mixed": json.dumps([row, 7]).encode(),
        "other columns": json.dumps([row, {"a": 1}]).encode(),
        "other lengths": json.dumps({**{name: [value] for name, value in row.items()}, "Slope": [1, 2]}).encode(),
        "list and value": json.dumps({**row, "Slope": [1]}).encode(),
        "empty lists": json.dumps({name: [] for name in row}).encode(),
        "another encoding": text.encode("utf-16"),
    }


NAMES = list(bodies({}))


@pytest.mark.parametrize("name", NAMES)
def test_a_body_that_is_no_row_is_refused(service: Running, row: dict[str, Any], name: str) -> None:
    body = bodies(row)[name]
    for path in ("/predict", INFER):
        response = service.post(path, body)
        assert response.status_code in {400, 413, 422}, (path, response.text)
        assert response.json()["error"]
        assert len(response.content) < 20_000
    assert response.elapsed.total_seconds() < 5


def test_a_number_that_is_too_large_is_named(service: Running, row: dict[str, Any]) -> None:
    for text in ("1e400", "9" * 30):
        body = json.dumps([row, row]).replace("2596", text).encode()
        problem = service.post("/predict", body).json()["problems"][0]
        assert (problem["row"], problem["column"]) == (0, "Elevation"), text


TABLES = {
    "empty": b"",
    "zip": b"PK\x03\x04" + b"x" * 100,
    "NUL": b"a,b\0c\n1,2\n",
    "open quote": b'Elevation,"Aspect\n' + b"1,2\n" * 1_000,
    "no header": b"1,2,3\n",
    "names": b",".join(b"c%d" % i for i in range(10_000)) + b"\n",
    "cells": b"Elevation,Aspect\n1,2,3\n",
    "latin": "Elevation,Höhe\n1,2\n".encode("latin-1"),
}


@pytest.mark.parametrize("name", list(TABLES))
def test_a_csv_that_is_no_table_is_refused(service: Running, name: str) -> None:
    response = service.post("/predict", TABLES[name], "text/csv")
    assert response.status_code in {400, 422}, response.text


def test_an_arrow_stream_that_asks_for_memory_is_refused(service: Running, table: pa.Table) -> None:
    kind = "application/vnd.apache.arrow.stream"

    def stream(batch: pa.RecordBatch, compression: str | None = None) -> bytes:
        sink = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression=compression)
        with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
            writer.write_batch(batch)
        return bytes(sink.getvalue())

    batch = table.slice(0, 5).combine_chunks().to_batches()[0]
    good = stream(batch)
    assert service.post("/predict", good, kind).status_code == 200
    assert service.post("/predict", stream(batch, "zstd"), kind).status_code == 400
    nulls = pa.RecordBatch.from_arrays([pa.nulls(1 << 24)] * len(batch.schema), names=batch.schema.names)
    assert service.post("/predict", stream(nulls), kind).status_code == 413
    words = pa.DictionaryArray.from_arrays(pa.array([0] * 5, pa.int8()), pa.nulls(1 << 24))
    at = batch.schema.get_field_index("Soil_Type")
    assert service.post("/predict", stream(batch.set_column(at, "Soil_Type", words)), kind).status_code == 400
    lists = batch.set_column(0, "Elevation", pa.array([[1]] * 5))
    assert service.post("/predict", stream(lists), kind).status_code == 422
    for at in range(0, len(good), 37):
        for changed in (good[:at], good[:at] + b"\xff\x7f" + good[at + 2 :]):
            assert service.post("/predict", changed, kind).status_code in {200, 400, 413, 422}


PATHS = [
    "/v2/models/../../etc/passwd",
    "/v2/models/..%2f..%2fetc%2fpasswd/infer",
    "/v2/models/covertype%00/infer",
    "/v2/models/covertype%2finfer",
    "/v2/models/%F0%9F%8C%B2/infer",
    f"/v2/models/{'a' * 5_000}/infer",
    "/v2/models/covertype/versions/..%2f..%2ffirst/infer",
    "//predict",
    "/predict/",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/{model}",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_trick_finds_nothing(service: Running, path: str) -> None:
    request = f"POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}"
    answer = service.raw(request.encode())
    assert answer[:12] in {b"HTTP/1.1 400", b"HTTP/1.1 404", b"HTTP/1.1 405"}
    assert b"root:" not in answer


RAW = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01",
    "two lengths": b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    "length and chunks": b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": b"POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
    b"Content-Length: 5\r\n\r\n0\r\n\r\nGET /v2 HTTP/1.1\r\nHost: a\r\n\r\n",
    "another encoding": b"POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n{}",
    "two encodings": b"POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "length with a space": b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length : 2\r\n\r\n{}",
    "length with a sign": b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\n{}",
    "length of many digits": b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n{}",
    "folded header": b"GET /v2 HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    "NUL in a header": b"GET /v2 HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    "huge chunk": b"POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 20 + b"\r\n",
    "many headers": b"GET /v2 HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 100_000 + b"\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "negative length": b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "bad chunk": b"POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "long header": b"GET /v2 HTTP/1.1\r\nHost: a\r\nX: " + b"a" * (1 << 20) + b"\r\n\r\n",
    "bad method": b"\xff\xfe /v2 HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("name", list(RAW))
def test_what_is_not_http_does_not_harm_the_server(service: Running, name: str) -> None:
    answer = service.raw(RAW[name], seconds=1)
    assert not answer or answer[9:10] == b"4", answer[:100]
    assert service.get("/v2/health/live").status_code == 200


def test_pipelined_requests_are_answered_in_order(service: Running, row: dict[str, Any]) -> None:
    def request(elevation: int, last: str = "") -> bytes:
        body = json.dumps({**row, "Elevation": elevation}).encode()
        head = f"POST /predict HTTP/1.1\r\nHost: a\r\nX-Request-Id: n{elevation}\r\n{last}Content-Length: {len(body)}"
        return head.encode() + b"\r\n\r\n" + body

    numbers = range(2_000, 2_020)
    data = b"".join(map(request, numbers)) + request(9_999, "Connection: close\r\n")
    answer = service.raw(data)
    ids = [part.partition(b"\r\n")[0] for part in answer.split(b"x-request-id: ")[1:]]
    assert ids == [f"n{number}".encode() for number in (*numbers, 9_999)]
    assert answer.count(b"HTTP/1.1 200") == len(numbers)
    assert answer.count(b"HTTP/1.1 422") == 1


def test_a_chunked_body_is_not_read_further_than_the_limit(service: Running) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent, chunk = 0, b"10000\r\n" + b" " * 65_536 + b"\r\n"
        with suppress(ConnectionError, TimeoutError):
            while sent < 200 << 20:
                connection.sendall(chunk)
                sent += len(chunk)
    assert sent < 20 << 20
    assert service.get("/v2/health/live").status_code == 200


def test_a_slow_body_is_answered_and_stops_nobody(model: ServedModel, row: dict[str, Any]) -> None:
    with running(model, timeout=0.5) as service:
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
            connection.sendall(b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
            assert service.post("/predict", row).status_code == 200
            begun = time.monotonic()
            answer = connection.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 408")
        assert time.monotonic() - begun < 5


def test_the_document_describes_every_route_with_examples(service: Running, model: ServedModel) -> None:
    document = service.get("/openapi.json").json()
    paths = document["paths"]
    assert {"/predict", "/v2", "/v2/health/live", "/v2/health/ready", "/metrics"} <= paths.keys()
    assert "/v2/models/{model}/versions/{version}/infer" in paths
    content = paths["/predict"]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "text/csv", "application/vnd.apache.arrow.stream"}
    for example in content["application/json"]["examples"].values():
        assert service.post("/predict", example["value"]).status_code == 200
    assert service.post("/predict", content["text/csv"]["example"].encode(), "text/csv").status_code == 200
    example = paths["/v2/models/{model}/infer"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert service.post(INFER, example).status_code == 200
    assert service.post("/predict", example_row(model.schema)).status_code == 200


def test_schemathesis_finds_no_server_error(service: Running, tmp_path: Path) -> None:
    pytest.importorskip("schemathesis")
    words = ["run", service.url("/openapi.json"), "--checks=not_a_server_error", "--no-color", "--mode=all"]
    words += ["--phases=examples,coverage,fuzzing"]
    # The same requests each time, unless a long search is wanted.
    seconds = os.environ.get("COVERTYPE_FUZZ_SECONDS")
    words += ["--max-examples=10000", f"--max-time={seconds}"] if seconds else ["--max-examples=4", "--seed=0"]
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-2_000:]
