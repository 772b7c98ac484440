from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from steps.tables import arrow_stream

if TYPE_CHECKING:
    from collections.abc import Callable


def stream(batch: pa.RecordBatch, compression: str | None = None) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


BATCH = pa.RecordBatch.from_pydict({"a": [1, 2], "b": pa.array(["x", "y"]).dictionary_encode()})


def test_a_stream_is_read() -> None:
    assert [batch.to_pydict() for batch in arrow_stream.read(stream(BATCH))] == [BATCH.to_pydict()]


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
@pytest.mark.parametrize("change", [lambda b: b, lambda b: b.select(["a"]), lambda b: b.select(["b"])])
def test_a_compressed_stream_is_refused(compression: str, change: Callable[[Any], Any]) -> None:
    with pytest.raises(arrow_stream.BadStreamError, match="compressed"):
        list(arrow_stream.read(stream(change(BATCH), compression)))


def test_a_dictionary_that_claims_many_values_is_refused() -> None:
    words = pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int8()), pa.nulls(1 << 20))
    with pytest.raises(arrow_stream.BadStreamError, match="more values"):
        list(arrow_stream.read(stream(BATCH.set_column(1, "b", words))))


def test_a_damaged_stream_is_an_error_of_arrow() -> None:
    good = stream(BATCH)
    for at in range(0, len(good) - 8, 5):
        for data in (good[:at], good[:at] + b"\xff\xff\x7f" + good[at + 3 :]):
            with contextlib.suppress(pa.ArrowException, arrow_stream.BadStreamError, OSError, ValueError):
                list(arrow_stream.read(data))
