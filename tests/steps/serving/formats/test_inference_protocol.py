from __future__ import annotations

import json
from typing import Any

import pytest

from steps import schema as schemas
from steps.serving.formats import inference_protocol
from steps.serving.refusals import RefusalError


def decode(*inputs: dict[str, Any], **more: Any) -> inference_protocol.Inference:
    return inference_protocol.decode(json.dumps({"inputs": inputs, **more}).encode(), None, 100)


def tensor(data: Any, shape: list[int], datatype: str = "INT16", name: str = "a") -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def test_both_shapes_of_a_column_are_read() -> None:
    for data, shape in (([1, 2], [2]), ([1, 2], [2, 1]), ([[1], [2]], [2, 1])):
        assert decode(tensor(data, shape)).rows.column("a").to_pylist() == [1, 2]
    found = decode(tensor(["x"], [1], "BYTES"), id="7")
    assert (found.rows.column("a").to_pylist(), found.id) == (["x"], "7")
    assert decode(tensor([0.1], [1], "FP32")).rows.column("a").to_pylist() == [0.10000000149011612]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (tensor([1, 2], [3]), "shape"),
        (tensor([1, 2], [1, 2]), "shape"),
        (tensor([1], [1], "INT3"), "is not a datatype"),
        (tensor(["x"], [1]), "is a text"),
        (tensor([1], [1], "BYTES"), "not of the datatype BYTES"),
        ({"name": "a", "datatype": "INT16", "shape": [1]}, "has no data"),
        (tensor([], [0]), "no rows"),
        (tensor([1], [1, 1, 1]), "length"),
        (tensor([1], [-1]), "shape"),
        (tensor([1], [2**62]), "rows"),
        (tensor({}, [1]), "Expected"),
    ],
)
def test_a_tensor_that_is_wrong_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(RefusalError, match=words):
        decode(given)


def test_inputs_must_fit_together() -> None:
    with pytest.raises(RefusalError, match="two inputs of this name"):
        decode(tensor([1], [1]), tensor([1], [1]))
    with pytest.raises(RefusalError, match="different numbers of rows"):
        decode(tensor([1], [1]), tensor([1, 2], [2], name="b"))
    with pytest.raises(RefusalError, match="no output 'x'"):
        decode(tensor([1], [1]), outputs=[{"name": "x"}])


def test_binary_tensors_are_read() -> None:
    head = {"inputs": [{"name": "a", "datatype": "INT16", "shape": [2], "parameters": {"binary_data_size": 4}}]}
    text = json.dumps(head).encode()
    length = str(len(text)).encode()
    found = inference_protocol.decode(text + b"\x01\x00\xff\xff", length, 10)
    assert found.rows.column("a").to_pylist() == [1, -1]
    for tail in (b"", b"\x01\x00\xff", b"\x01\x00\xff\xff\x00"):
        with pytest.raises(RefusalError):
            inference_protocol.decode(text + tail, length, 10)


def test_elements_of_bytes_have_lengths() -> None:
    def read(data: bytes, rows: int) -> list[Any]:
        tensor = {"name": "a", "datatype": "BYTES", "shape": [rows], "parameters": {"binary_data_size": len(data)}}
        text = json.dumps({"inputs": [tensor]}).encode()
        found = inference_protocol.decode(text + data, str(len(text)).encode(), 10)
        return list(found.rows.column("a").to_pylist())

    assert read(b"\x01\x00\x00\x00x\x00\x00\x00\x00", 2) == ["x", ""]
    for data in (b"\x02\x00\x00\x00x", b"\xff\xff\xff\xffx", b"\x01\x00", b"\x01\x00\x00\x00\xff"):
        with pytest.raises(RefusalError):
            read(data, 1)


def test_the_example_is_a_request() -> None:
    schema = schemas.load(schemas.BUILTIN)
    values = [column.values[0] if column.categorical else 1 for column in schema.columns]
    found = decode(*inference_protocol.example(schema, values)["inputs"])
    assert found.rows.num_columns == len(schema.columns)
    assert inference_protocol.datatype_of(schema.columns[0]) == "INT16"
