"""The progress of a download, with a clock that a test moves; against a store it is in tests/emulators."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.buckets.transfer import Patience, Sink, receive
from steps.core.crc32c import Crc32c
from steps.core.errors import DeniedError, PipelineError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = bytes(range(200))
QUICK = Patience(seconds=10, first_wait=0)


def crc32c(data: bytes) -> str:
    checksum = Crc32c()
    checksum.update(data)
    return checksum.base64


def sink_of(size: int = len(DATA), clock: Callable[[], float] = lambda: 0.0) -> tuple[Sink, io.BytesIO]:
    file = io.BytesIO()
    return Sink(file, "s3://b/x", size, QUICK, clock), file


def translate(error: Exception) -> PipelineError | None:
    return TransientError(str(error)) if isinstance(error, ConnectionError) else None


@given(st.lists(st.integers(0, 60), max_size=8))
def test_a_transfer_that_breaks_anywhere_gives_the_same_bytes(cuts: list[int]) -> None:
    sink, file = sink_of()
    sink.crc32c, sink.md5 = crc32c(DATA), hashlib.md5(DATA, usedforsecurity=False).hexdigest()
    left = list(cuts)

    def attempt(sink: Sink) -> None:
        end = sink.done + left.pop() if left else len(DATA)
        sink.write(DATA[sink.done : end])
        if end < len(DATA):
            raise ConnectionError("cut")

    receive(sink, len(DATA), QUICK, attempt, translate)
    assert file.getvalue() == DATA


def test_an_answer_that_ends_early_is_asked_for_again() -> None:
    sink, file = sink_of()

    def attempt(sink: Sink) -> None:
        sink.write(DATA[sink.done : sink.done + 70])

    receive(sink, len(DATA), QUICK, attempt, translate)
    assert file.getvalue() == DATA


@pytest.mark.parametrize("kind", ["crc32c", "md5"])
def test_wrong_bytes(kind: str) -> None:
    sink, _ = sink_of()
    setattr(sink, kind, "AAAAAA==" if kind == "crc32c" else "0" * 32)

    def attempt(sink: Sink) -> None:
        sink.write(DATA)

    with pytest.raises(TransientError, match=f"the bytes that arrived have another {kind}, in s3://b/x: run again"):
        receive(sink, len(DATA), QUICK, attempt, translate)


def test_more_bytes_than_the_object_has() -> None:
    sink, _ = sink_of(10)
    with pytest.raises(TransientError, match="another size"):
        sink.write(DATA)


def test_no_further_attempt_after_the_time_limit() -> None:
    now = [0.0]
    sink, _ = sink_of(clock=lambda: now[0])
    attempts = []

    def attempt(_: Sink) -> None:
        attempts.append(now[0])
        now[0] += 4
        raise ConnectionError("nothing")

    with pytest.raises(TransientError, match="nothing"):
        receive(sink, len(DATA), QUICK, attempt, translate)
    assert attempts == [0, 4, 8]


def test_an_error_that_does_not_pass_ends_the_transfer() -> None:
    sink, _ = sink_of()

    def attempt(_: Sink) -> None:
        raise ConnectionError("no")

    with pytest.raises(DeniedError, match="denied"):
        receive(sink, len(DATA), QUICK, attempt, lambda _: DeniedError("denied"))


def test_an_error_of_someone_else_is_passed_on() -> None:
    sink, _ = sink_of()

    def attempt(_: Sink) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        receive(sink, len(DATA), QUICK, attempt, translate)
