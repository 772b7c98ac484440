"""Requests of all formats that ``serve`` understands, and those of ``mlflow models serve``, for rows of a table."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from benchmarks.http_load import post
from steps.serving.formats.inference_protocol import datatype_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from steps.schema import Schema

_JSON, _ARROW = "application/json", "application/vnd.apache.arrow.stream"


def _encode(content: Any) -> bytes:  # noqa: ANN401 - whatever JSON has
    return json.dumps(content, separators=(",", ":")).encode()


def json_rows(_: Schema, rows: pa.Table) -> bytes:
    """Return a request with an object for each row."""
    content = rows.to_pylist()
    return post("/predict", _encode(content[0] if len(content) == 1 else content), _JSON)


def json_columns(_: Schema, rows: pa.Table) -> bytes:
    """Return a request with a list for each column."""
    return post("/predict", _encode(rows.to_pydict()), _JSON)


def csv(_: Schema, rows: pa.Table) -> bytes:
    """Return a request in CSV, whose answer is in CSV."""
    sink = io.BytesIO()
    pa.csv.write_csv(rows, sink)
    return post("/predict", sink.getvalue(), "text/csv", ["Accept: text/csv"])


def arrow(_: Schema, rows: pa.Table) -> bytes:
    """Return a request in Arrow, whose answer is in Arrow."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows.combine_chunks())
    return post("/predict", sink.getvalue(), _ARROW, [f"Accept: {_ARROW}"])


def infer_json(schema: Schema, rows: pa.Table) -> bytes:
    """Return a request of the Open Inference Protocol in JSON."""
    inputs = [
        {"name": c.name, "datatype": datatype_of(c), "shape": [len(rows)], "data": rows.column(c.name).to_pylist()}
        for c in schema.columns
    ]
    return post(f"/v2/models/{schema.name}/infer", _encode({"inputs": inputs}), _JSON)


def infer_binary(schema: Schema, rows: pa.Table) -> bytes:
    """Return a request of the Open Inference Protocol with binary tensors, whose answer is binary too."""
    inputs, parts = [], []
    for column in schema.columns:
        values = rows.column(column.name).to_pylist()
        if column.categorical:
            texts = list(map(str.encode, values))
            parts.append(b"".join(len(text).to_bytes(4, "little") + text for text in texts))
        else:
            parts.append(np.array(values, column.dtype).tobytes())
        size = {"binary_data_size": len(parts[-1])}
        inputs.append({"name": column.name, "datatype": datatype_of(column), "shape": [len(rows)], "parameters": size})
    head = _encode({"inputs": inputs, "parameters": {"binary_data_output": True}})
    length = f"Inference-Header-Content-Length: {len(head)}"
    return post(f"/v2/models/{schema.name}/infer", b"".join((head, *parts)), "application/octet-stream", [length])


def mlflow(_: Schema, rows: pa.Table) -> bytes:
    """Return a request of MLflow's scoring server, https://mlflow.org/docs/latest/ml/deployment/."""
    data = [list(row.values()) for row in rows.to_pylist()]
    return post("/invocations", _encode({"dataframe_split": {"columns": rows.column_names, "data": data}}), _JSON)


FORMATS: dict[str, Callable[[Schema, pa.Table], bytes]] = {
    "JSON": json_rows,
    "JSON, columns": json_columns,
    "CSV": csv,
    "Arrow": arrow,
    "infer, JSON": infer_json,
    "infer, binary": infer_binary,
}


def requests_of(
    make: Callable[[Schema, pa.Table], bytes], schema: Schema, table: pa.Table, rows: int, count: int
) -> list[bytes]:
    """Return different requests, each with some rows of a table."""
    starts = (at * rows % (table.num_rows - rows) for at in range(count))
    return [make(schema, table.slice(start, rows)) for start in starts]
