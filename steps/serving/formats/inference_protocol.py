"""Requests and answers of the Open Inference Protocol, version 2, with its extension for binary tensors.

Each column of the table is an input of shape ``[rows]`` or ``[rows, 1]``, and each output has as many rows.

Source: https://github.com/open-inference/open-inference-protocol (inference_rest.md), and the binary data extension of
https://docs.nvidia.com/deeplearning/triton-inference-server (extension_binary_data).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
import pyarrow as pa

from steps.serving.formats import text_tensors
from steps.serving.formats.answers import encode_json
from steps.serving.formats.decoding import MOST_COLUMNS, require_few_rows, to_array
from steps.serving.formats.explained import explain_predicted
from steps.serving.refusals import Problem, bad_request, refuse_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from steps.schema import Column, Schema
    from steps.serving.scoring import Scored

LENGTH_HEADER = b"inference-header-content-length"
EXTENSIONS = ["binary_tensor_data"]
SCORES, COVER_TYPE, PROBABILITY = "scores", "cover_type", "probability"
# Only of a server that explains scores, and only if a request names it.
CONTRIBUTIONS = "contributions"
_BYTES = "BYTES"
_NUMPY = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
_OF_DTYPE = {"float32": "FP32", "float64": "FP64", "category": _BYTES}
_MOST_DIMENSIONS = 2


class _Input(msgspec.Struct):
    name: str
    datatype: str
    shape: Annotated[list[Annotated[int, msgspec.Meta(ge=0)]], msgspec.Meta(min_length=1, max_length=_MOST_DIMENSIONS)]
    data: list[Any] | None = None
    parameters: dict[str, Any] = {}


class _Output(msgspec.Struct):
    name: str
    parameters: dict[str, Any] = {}


class _Request(msgspec.Struct):
    inputs: Annotated[list[_Input], msgspec.Meta(min_length=1, max_length=MOST_COLUMNS)]
    id: str | None = None
    outputs: list[_Output] | None = None
    parameters: dict[str, Any] = {}


class Inference(msgspec.Struct, gc=False):
    """A request, decoded.

    Attributes:
        rows: The rows, one column for each input.
        id: The client's name of the request.
        outputs: The wanted outputs, each with whether it is wanted as binary data.
    """

    rows: pa.RecordBatch
    id: str | None
    outputs: list[tuple[str, bool]]


_decoder = msgspec.json.Decoder(_Request)


def decode(body: bytes, header_length: bytes | None, most_rows: int) -> Inference:
    """Return a request.

    Args:
        body: The body: JSON, and the binary tensors behind it if ``header_length`` is there.
        header_length: The value of the header ``Inference-Header-Content-Length``, the number of bytes of the JSON.
        most_rows: The largest number of rows.

    Raises:
        RefusalError: The request does not follow the protocol.
    """
    head, tail = _split(body, header_length)
    try:
        request = _decoder.decode(head)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad_request(f"not a request of the Open Inference Protocol: {error}") from None
    except RecursionError:
        raise bad_request("not JSON that can be read: it is nested too deeply") from None
    columns: dict[str, pa.Array] = {}
    for tensor in request.inputs:
        if tensor.name in columns:
            raise refuse_rows([Problem("there are two inputs of this name", None, tensor.name)])
        require_few_rows(tensor.shape[0], most_rows)
        size = tensor.parameters.get("binary_data_size")
        if size is None:
            columns[tensor.name] = _from_json(tensor)
            continue
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(tail):
            raise bad_request(f"binary_data_size of input {tensor.name[:60]!r} is not the number of its bytes")
        columns[tensor.name], tail = _from_binary(tensor, tail[:size]), tail[size:]
    if len(tail):
        raise bad_request(f"there are {len(tail)} bytes behind the last binary tensor")
    if len({len(values) for values in columns.values()}) > 1:
        raise refuse_rows([Problem("the inputs have different numbers of rows: send one value for each row in each")])
    return Inference(pa.RecordBatch.from_pydict(columns), request.id, _wanted(request))


def _split(body: bytes, header_length: bytes | None) -> tuple[memoryview, memoryview]:
    view = memoryview(body)
    if header_length is None:
        return view, view[:0]
    if not (header_length.isdigit() and int(header_length[:20]) <= len(body)):
        raise bad_request("Inference-Header-Content-Length is not the number of bytes of the JSON")
    return view[: int(header_length)], view[int(header_length) :]


def _from_json(tensor: _Input) -> pa.Array:
    if tensor.data is None:
        raise bad_request(f"input {tensor.name[:60]!r} has no data")
    values = tensor.data
    if len(tensor.shape) == _MOST_DIMENSIONS and all(isinstance(value, list) for value in values):
        values = [value for inner in values for value in inner]
    _require_shape(tensor, len(values))
    kind = _NUMPY.get(tensor.datatype)
    if kind is None and tensor.datatype != _BYTES:
        raise bad_request(f"{tensor.datatype[:20]!r} of input {tensor.name[:60]!r} is not a datatype")
    array = to_array(tensor.name, values, text=kind is None)
    if (kind is None) != pa.types.is_string(array.type) and not pa.types.is_null(array.type):
        raise refuse_rows([Problem(f"the values are not of the datatype {tensor.datatype}", None, tensor.name)])
    if kind is not None and kind.kind == "f" and kind.itemsize < np.dtype("f8").itemsize:
        with np.errstate(over="ignore"):  # infinite: no column allows it
            return pa.array(array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(kind))
    return array


def _from_binary(tensor: _Input, data: memoryview) -> pa.Array:
    kind = _NUMPY.get(tensor.datatype)
    if kind is not None:
        if len(data) % kind.itemsize:
            raise bad_request(f"binary_data_size of input {tensor.name[:60]!r} is no multiple of {kind.itemsize}")
        _require_shape(tensor, len(data) // kind.itemsize)
        return pa.array(np.frombuffer(data, kind))
    if tensor.datatype != _BYTES:
        raise bad_request(f"{tensor.datatype[:20]!r} of input {tensor.name[:60]!r} is not a datatype")
    texts = text_tensors.read(tensor.name, data)
    _require_shape(tensor, len(texts))
    return texts


def _require_shape(tensor: _Input, count: int) -> None:
    if math.prod(tensor.shape) != count or tensor.shape[1:] not in ([], [1]):
        what = f"the shape {tensor.shape} is not that of {count} values, one for each row"
        raise refuse_rows([Problem(what, None, tensor.name)])


def _wanted(request: _Request) -> list[tuple[str, bool]]:
    every = bool(request.parameters.get("binary_data_output", False))
    if not request.outputs:
        return [(name, every) for name in (SCORES, COVER_TYPE, PROBABILITY)]
    for output in request.outputs:
        if output.name not in {SCORES, COVER_TYPE, PROBABILITY, CONTRIBUTIONS}:
            what = f"there is no output {output.name[:60]!r}"
            raise bad_request(f"{what}: ask for {SCORES}, {COVER_TYPE} or {PROBABILITY}")
    wanted = {output.name: bool(output.parameters.get("binary_data", every)) for output in request.outputs}
    return list(wanted.items())


def encode(scored: Scored, inference: Inference) -> tuple[bytes, int | None]:
    """Return the body of an answer, and the number of bytes of its JSON if binary tensors follow it."""
    outputs, parts = [], []
    for name, binary in inference.outputs:
        datatype, values = _output(scored, name)
        tensor: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(values.shape)}
        if binary:
            data = _to_bytes(values, datatype)
            parts.append(data)
            tensor["parameters"] = {"binary_data_size": len(data)}
        else:
            tensor["data"] = values.ravel().tolist()
        outputs.append(tensor)
    answer: dict[str, Any] = {"model_name": scored.model.name, "model_version": scored.model.version}
    answer |= {"id": inference.id} if inference.id is not None else {}
    head = encode_json({**answer, "outputs": outputs})
    return b"".join((head, *parts)), len(head) if parts else None


def _output(scored: Scored, name: str) -> tuple[str, Any]:
    """Return the datatype and the values of an output."""
    if name == SCORES:
        return "FP32", scored.scores.T
    if name == PROBABILITY:
        return "FP32", scored.probability
    if name == CONTRIBUTIONS:
        return "FP32", explain_predicted(scored)
    labels = [cover_type.label for cover_type in scored.model.ensemble.cover_types]
    if isinstance(labels[0], str):
        return _BYTES, np.array(labels, object)[scored.best]
    return "INT64", np.array(labels, np.int64)[scored.best]


def _to_bytes(values: Any, datatype: str) -> bytes:  # noqa: ANN401 - an array
    if datatype == _BYTES:
        return text_tensors.write(values)
    return np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()


def datatype_of(column: Column) -> str:
    """Return the protocol's name of a column's dtype."""
    return _OF_DTYPE.get(column.dtype, column.dtype.upper())


def example(schema: Schema, values: Sequence[Any]) -> dict[str, Any]:
    """Return a request for one row, for the documentation."""
    return {
        "inputs": [
            {"name": column.name, "datatype": datatype_of(column), "shape": [1], "data": [value]}
            for column, value in zip(schema.columns, values, strict=True)
        ]
    }
