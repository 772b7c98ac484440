"""Read a stream of Arrow that somebody else has written, without trusting its numbers."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

# Positions of fields in Arrow's tables of flatbuffers.
# Source: https://github.com/apache/arrow/blob/main/format/Message.fbs
_MESSAGE_HEADER, _BATCH_COMPRESSION, _DICTIONARY_DATA = 2, 3, 1


class BadStreamError(Exception):
    """A stream that is damaged, or that asks for much more memory than it has bytes."""


def read(data: bytes) -> Iterator[pa.RecordBatch]:
    """Yield the record batches of a stream, each with checked offsets and indices.

    The rows of a batch are not limited, because a column without values takes no bytes: the caller must compare
    ``num_rows`` with a limit before it reads a column.

    Args:
        data: The whole stream.

    Raises:
        BadStreamError: The stream is compressed, or a dictionary claims more values than there are bytes.
        pa.ArrowException: The stream is damaged.
    """
    buffer = pa.py_buffer(data)
    _require_uncompressed(buffer)
    with pa.ipc.open_stream(buffer) as stream:
        for batch in stream:
            batch.validate(full=True)
            for values in batch.columns:
                if pa.types.is_dictionary(values.type) and len(values.dictionary) > len(data):
                    raise BadStreamError("a dictionary has more values than the stream has bytes")
            yield batch


def _require_uncompressed(buffer: pa.Buffer) -> None:
    """Raise BadStreamError for compressed buffers: a few bytes of them may need gigabytes."""
    for message in pa.ipc.MessageReader.open_stream(buffer):
        if message.type in {"record batch", "dictionary"} and _is_compressed(message):
            raise BadStreamError("its buffers are compressed: write them without compression")


def _is_compressed(message: pa.ipc.Message) -> bool:
    """Return whether the flatbuffer of a message names a compression. Arrow has checked the flatbuffer itself."""
    data = message.metadata.to_pybytes()
    (root,) = struct.unpack_from("<I", data, 0)
    header = _follow(data, root, _MESSAGE_HEADER)
    if header is not None and message.type == "dictionary":
        header = _follow(data, header, _DICTIONARY_DATA)
    return header is not None and _follow(data, header, _BATCH_COMPRESSION) is not None


def _follow(data: bytes, table: int, field: int) -> int | None:
    """Return the position of the table that a field refers to, None if the field is absent."""
    (back,) = struct.unpack_from("<i", data, table)
    (size,) = struct.unpack_from("<H", data, table - back)
    at = 4 + 2 * field
    (offset,) = struct.unpack_from("<H", data, table - back + at) if at < size else (0,)
    if not offset:
        return None
    (distance,) = struct.unpack_from("<I", data, table + offset)
    return int(table + offset + distance)
