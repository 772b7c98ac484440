"""Binary tensors of texts: each element stands behind its length, four bytes with the lowest one first.

Source: https://docs.nvidia.com/deeplearning/triton-inference-server (extension_binary_data), the datatype BYTES.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from steps.serving.refusals import Problem, bad_request, refuse_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

_LENGTH = struct.Struct("<I")


def read(name: str, data: memoryview) -> pa.Array:
    """Return the texts of a tensor as strings.

    Args:
        name: The name of the input, for messages.
        data: The bytes of the tensor.

    Raises:
        RefusalError: An element is longer than the bytes that are left, or is not UTF-8.
    """
    texts = _read_same_length(data)
    return _read_each(name, bytes(data)) if texts is None else texts


def _read_same_length(data: memoryview) -> pa.Array | None:
    """Return the texts if all have the length of the first one and are UTF-8, without a loop; None otherwise."""
    stride = _LENGTH.size + int.from_bytes(data[: _LENGTH.size], "little")
    if not len(data) or len(data) % stride:
        return None
    elements = np.frombuffer(data, np.uint8).reshape(-1, stride)
    if (elements[:, : _LENGTH.size] != elements[0, : _LENGTH.size]).any():
        return None
    characters = np.ascontiguousarray(elements[:, _LENGTH.size :])
    ends = np.arange(len(elements) + 1, dtype=np.int64) * characters.shape[1]
    texts = pa.LargeStringArray.from_buffers(len(elements), pa.py_buffer(ends), pa.py_buffer(characters))
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        return None
    return texts


def _read_each(name: str, data: bytes) -> pa.Array:
    values, at, end, length_at = list[bytes](), 0, len(data), _LENGTH.unpack_from
    while at < end:
        (size,) = length_at(data, at) if at + _LENGTH.size <= end else (end,)
        at += _LENGTH.size
        if at + size > end:
            raise bad_request(f"an element of input {name[:60]!r} is longer than its bytes")
        values.append(data[at : at + size])
        at += size
    try:
        return pa.array(values, pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        row = next(at for at, value in enumerate(values) if not _is_utf8(value))
        raise refuse_rows([Problem("this is not UTF-8 text", row, name)]) from None


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def write(texts: Iterable[str]) -> bytes:
    """Return texts as a tensor."""
    return b"".join(_LENGTH.pack(len(data)) + data for data in map(str.encode, texts))
